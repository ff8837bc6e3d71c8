import { bake } from "../../bake/bake.ts";
import type { BakeOutcome } from "../../bake/bake-request.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { unreachable } from "../../diagnostics/unreachable.ts";
import { createRenderer } from "../../render/create-renderer.ts";
import type { BakeOptions } from "../commands/bake.ts";
import { exitCodes } from "../exit-code.ts";
import type { WorkerOptions } from "../open-worker.ts";
import { printDiagnostics } from "../print-diagnostics.ts";
import type { Session } from "../session.ts";
import { setUpBake } from "./bake-setup.ts";

/** `lightbox bake`: resolves with the exit code. Progress goes to stderr, what scripts read to stdout. */
export async function runBake(path: string, options: BakeOptions & WorkerOptions, session: Session): Promise<number> {
  if (options.dryRun) {
    const { dryRun } = await import("./dry-run.ts");
    return await dryRun(path, options, session);
  }
  const mode = options.quiet ? "quiet" : options.progress;
  const stream = mode === "json" ? session.stdout : session.stderr;
  const renderer = await createRenderer({ mode, stream, environment: session.environment });
  try {
    await using setup = await setUpBake(path, options, session, choicesOf(options), (event) =>
      renderer.onEvent(event),
    );
    const outcome = await bake(setup.request, setup.collaborators, session.signal);
    renderer.close();
    return conclude(outcome, mode, session);
  } finally {
    renderer.close();
  }
}

export function choicesOf(options: BakeOptions) {
  return {
    snapshotName: options.name ?? null,
    noCache: !options.cache,
    checkpoint: options.checkpoint,
    keepFailedBuilder: options.debug ?? false,
    resources: {
      ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
      ...(options.memory === undefined ? {} : { memoryMib: options.memory }),
    },
  };
}

function conclude(outcome: BakeOutcome, mode: string, session: Session): number {
  switch (outcome.kind) {
    case "completed":
      if (mode === "quiet") session.stdout.write(`${outcome.snapshotName ?? outcome.layer ?? outcome.image.digest}\n`);
      return exitCodes.success;
    case "invalid":
      if (mode !== "json") printErrors(outcome.diagnostics, session);
      return exitCodes.usage;
    case "step-failed":
      return exitCodes.stepFailed;
    case "cancelled":
      return exitCodes.cancelled;
    default:
      return unreachable(outcome);
  }
}

/** Renderers have shown the warnings as events; errors are the outcome's. */
export function printErrors(diagnostics: readonly Diagnostic[], session: Session): void {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error");
  printDiagnostics(errors, session);
}
