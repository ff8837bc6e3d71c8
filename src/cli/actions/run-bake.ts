import { bake } from "../../bake/bake.ts";
import type { BakeOutcome } from "../../bake/bake-request.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { unreachable } from "../../diagnostics/unreachable.ts";
import { createRenderer } from "../../render/create-renderer.ts";
import { printDiagnostics } from "../../render/diagnostic-printer.ts";
import { exitCodes } from "../exit-code.ts";
import type { BakeOptions, WorkerOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { choicesOf, setUpBake } from "./bake-setup.ts";

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
  const mode = options.quiet ? "quiet" : options.progress;
  const stream = mode === "json" ? session.stdout : session.stderr;
  const renderer = await createRenderer({ mode, stream, environment: session.environment });
  try {
    await using setup = await setUpBake(
      path,
      options,
      session,
      { ...choicesOf(options), mayAskWorker: true },
      (event) => renderer.onEvent(event),
    );
    const outcome = await bake(setup.request, setup.collaborators, session.signal);
    renderer.close();
    return conclude(outcome, mode, session);
  } finally {
    renderer.close();
  }
}

function conclude(outcome: BakeOutcome, mode: string, session: Session): number {
  switch (outcome.kind) {
    case "completed":
      if (mode === "quiet")
        session.stdout.write(`${outcome.snapshotName ?? outcome.layer ?? outcome.image.digest}\n`);
      return exitCodes.success;
    case "invalid":
      // Renderers for people have shown the warnings as they came; JSON has everything.
      if (mode !== "json")
        printDiagnostics(onlyErrors(outcome.diagnostics), session.stderr, session.environment);
      return exitCodes.usage;
    case "step-failed":
      return exitCodes.stepFailed;
    case "cancelled":
      return exitCodes.cancelled;
    default:
      return unreachable(outcome);
  }
}

function onlyErrors(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.filter((diagnostic) => diagnostic.severity === "error");
}
