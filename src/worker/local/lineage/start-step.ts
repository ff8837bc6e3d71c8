import { unreachable } from "../../../diagnostics/unreachable.ts";
import { cancelled, throwIfCancelled } from "../../../layers/cancellation.ts";
import type { LineageClient, LineageStep } from "../../worker.ts";
import type { Builder } from "../builder/builder.ts";
import { copyStep } from "../copy/copy-step.ts";
import type { StageReaders } from "../copy/stage-readers.ts";
import { ensureWorkingDirectories } from "../guest/guest-directories.ts";
import { stepRefusal } from "../guest/step-refused.ts";
import { type RunResult, runStep, type StepOutput } from "../run/run-step.ts";
import type { Attempts } from "./attempts.ts";
import type { LineageHost } from "./lineage-host.ts";

export interface StepStart {
  readonly index: number;
  readonly attempts: Attempts;
  readonly host: LineageHost;
  readonly stages: StageReaders;
  readonly client: LineageClient;
  readonly signal: AbortSignal;
  /** What `ENV --from-output` steps below gave. */
  readonly outputValues: Readonly<Record<string, string>>;
}

/** Starts a step once in its builder, and tells the client and the step's log what it prints. */
export async function startStep(step: LineageStep, builder: Builder, start: StepStart): Promise<RunResult> {
  const { index, attempts, client, signal } = start;
  const log = await builder.disk.openLog(step.key);
  const output = (stream: "stdout" | "stderr", text: string) => {
    log.write(text);
    attempts.remember(text);
    client.onEvent({ kind: "step-output", index, stream, text });
  };
  if (attempts.number === 1) client.onEvent({ kind: "step-started", index });
  else {
    log.write(attempts.earlierOutput);
    output("stderr", `lightbox: attempt ${attempts.number} of ${attempts.count}\n`);
  }
  try {
    const result = await carryOut(step, builder, { ...start, output });
    throwIfCancelled(signal);
    return result;
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    const refusal = stepRefusal(error);
    if (refusal === undefined) throw error;
    if (refusal.kind === "refused") log.write(`lightbox: ${refusal.message}\n`);
    return { failure: refusal, outputValue: null };
  } finally {
    await log.close();
  }
}

async function carryOut(
  { operation }: LineageStep,
  { vm, needs }: Builder,
  { host, stages, client, signal, outputValues, output }: StepStart & { readonly output: StepOutput },
): Promise<RunResult> {
  const done: RunResult = { failure: null, outputValue: null };
  switch (operation.kind) {
    case "run":
      return runStep(operation, {
        host,
        stages,
        vm,
        client,
        signal,
        output,
        hasHiddenPlaces: needs.hasScratch || needs.volumes.length > 0,
        outputValues,
      });
    case "copy":
      await copyStep(stages, vm, operation, client, signal);
      return done;
    case "make-directories":
      await ensureWorkingDirectories(vm.files, operation.directories);
      return done;
    default:
      return unreachable(operation);
  }
}
