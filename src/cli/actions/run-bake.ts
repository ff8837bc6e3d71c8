import { bake } from "../../bake/bake.ts";
import type { BakeOutcome, Repetition } from "../../bake/bake-request.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { unreachable } from "../../diagnostics/unreachable.ts";
import type { WorkerOptions } from "../../host/host-context.ts";
import { createRenderer, type ProgressMode } from "../../render/create-renderer.ts";
import { printDiagnostics } from "../../render/diagnostic-printer.ts";
import { chooseDiagnosticsFormat, type DiagnosticsFormat } from "../../render/diagnostics/format.ts";
import { formatFailureForGitHub } from "../../render/diagnostics/github.ts";
import { formatStepFailure } from "../../render/format-event.ts";
import { exitCodes } from "../exit-code.ts";
import type { BakeOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { choicesOf, setUpBake } from "./bake-setup.ts";
import { addInFormat } from "./tell-findings.ts";

/** `lightbox bake`: resolves with the exit code. Progress goes to stderr, what scripts read to stdout. */
export async function runBake(
  path: string,
  options: BakeOptions & WorkerOptions,
  session: Session,
): Promise<number> {
  if (options.dryRun) {
    const { dryRun } = await import("./dry-run.ts");
    return await dryRun(path, options, session);
  }
  const sinceMs = Date.now();
  const mode = options.quiet ? "quiet" : options.progress;
  const stream = mode === "json" ? session.stdout : session.stderr;
  const choices = await choicesOf(options, session);
  const renderer = await createRenderer({ mode, stream, environment: session.environment });
  try {
    await using setup = await setUpBake(path, options, session, { ...choices, mayAskWorker: true }, (event) =>
      renderer.onEvent(event),
    );
    const told: Repetition[] = [];
    const collaborators = { ...setup.collaborators, onRepeatable: (one: Repetition) => void told.push(one) };
    const outcome = await bake(setup.request, collaborators, session.signal);
    renderer.close();
    const [repetition] = told;
    if (repetition !== undefined && outcome.kind === "completed" && isRememberable(path, options, session)) {
      const { rememberBake } = await import("../remembered/remember-bake.ts");
      const conclusion = conclusionOf(outcome, mode);
      const { lightfilePath } = setup.request;
      rememberBake({ repetition, lightfilePath, sinceMs, mode, conclusion }, session);
    }
    addInFormat(outcome.diagnostics, options.format, session);
    if (formatOf(options, session) === "github") session.stderr.write(failureAnnotation(outcome));
    return conclude(outcome, mode, session);
  } finally {
    renderer.close();
  }
}

function conclude(outcome: BakeOutcome, mode: ProgressMode, session: Session): number {
  switch (outcome.kind) {
    case "completed":
      session.stdout.write(conclusionOf(outcome, mode));
      return exitCodes.success;
    case "invalid":
      // Renderers for people have shown the warnings as they came; JSON has everything.
      if (mode !== "json")
        printDiagnostics(onlyErrors(outcome.diagnostics), session.stderr, session.environment);
      return exitCodes.usage;
    case "step-failed":
    case "test-failed":
      return exitCodes.stepFailed;
    case "cancelled":
      return exitCodes.cancelled;
    default:
      return unreachable(outcome);
  }
}

/** A bake that takes its Lightfile or values from elsewhere than files, or says more than its events, is not. */
function isRememberable(path: string, options: BakeOptions, session: Session): boolean {
  const isFromStdin = path === "-" || options.file === "-";
  const isGiven = options.secret.length > 0 || options.ssh.length > 0;
  return !isFromStdin && !isGiven && formatOf(options, session) === "text";
}

function formatOf({ format }: BakeOptions, { environment }: Session): DiagnosticsFormat {
  return chooseDiagnosticsFormat(format, environment);
}

function conclusionOf(outcome: Extract<BakeOutcome, { kind: "completed" }>, mode: ProgressMode): string {
  return mode === "quiet" ? `${outcome.snapshotName ?? outcome.layer ?? outcome.image.digest}\n` : "";
}

/** What failed in a bake, as GitHub Actions shows it beside the lines of a change. */
function failureAnnotation(outcome: BakeOutcome): string {
  if (outcome.kind !== "step-failed" && outcome.kind !== "test-failed") return "";
  const { failure } = outcome;
  const code = failure.kind === "test-failed" ? "TestFailed" : "StepFailed";
  const message = `${failure.title}: ${formatStepFailure(failure.reason)}`;
  return formatFailureForGitHub({ ...failure, code, message });
}

function onlyErrors(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.filter((diagnostic) => diagnostic.severity === "error");
}
