import { setTimeout as delay } from "node:timers/promises";
import type { RunOperation } from "../../../model/step-operation.ts";
import type { StepFailure } from "../../worker.ts";
import { ensureDirectory, ensureWorkingDirectories } from "../guest/guest-directories.ts";
import { startGuestRun } from "../guest/guest-run.ts";
import { commandNotStarted, StepRefused } from "../guest/step-refused.ts";
import { identityOwner, readAccounts, resolveIdentity } from "../guest/users.ts";
import { microVmLost } from "../microvm/guest-agent.ts";
import type { GuestProcess } from "../microvm/guest-process.ts";
import type { MicroVm } from "../microvm/micro-vm.ts";
import { OutputValue } from "./output-value.ts";
import { SecretMask } from "./secret-mask.ts";
import { type MountContext, StepMounts } from "./step-mounts.ts";

/** In memory: the script is in the step's key and must not be in its layer. */
const scriptPath = "/dev/.lightbox-script";

/** What the end of a command may take after its processes were killed. */
const endingMs = 10_000;

export type StepOutput = (stream: "stdout" | "stderr", text: string) => void;

export interface RunContext extends Omit<MountContext, "onNote"> {
  readonly output: StepOutput;
  /** Whether the builder has something that only steps that mount it are to see. */
  readonly hasHiddenPlaces: boolean;
  /** What `ENV --from-output` steps below gave. */
  readonly outputValues: Readonly<Record<string, string>>;
}

/** Exactly one of them is not null, or none: a command that exits with 0 and gives no value. */
export interface RunResult {
  readonly failure: StepFailure | null;
  /** What an `ENV --from-output` gives its variable. */
  readonly outputValue: string | null;
}

/**
 * Carries out a `RUN`.
 * @throws StepRefused `UnknownUser`, `UnknownGroup`, `CommandNotStarted`, `SecretNotGiven`, `OutputTooLong`, …
 */
export async function runStep(operation: RunOperation, context: RunContext): Promise<RunResult> {
  const { vm, output } = context;
  await ensureWorkingDirectories(vm.files, operation.directories);
  const onNote = (message: string) => output("stderr", `lightbox: ${message}\n`);
  await using mounts = await StepMounts.prepare(operation.mounts, { ...context, onNote });
  const value = operation.outputVariable === null ? null : new OutputValue(operation.outputVariable);
  const process = await start(operation, context, mounts);
  const listener = { output: maskedOutput(output, mounts.secrets), value };
  const exitCode = await withTimeout(vm, operation.timeoutSeconds, drain(vm, process, listener));
  if (exitCode === "timed-out") return { failure: timedOut(operation), outputValue: null };
  if (exitCode !== 0) return { failure: { kind: "exit", exitCode }, outputValue: null };
  const outputValue = value?.finish() ?? null;
  await mounts.saveCaches();
  return { failure: null, outputValue };
}

async function start(
  operation: RunOperation,
  { vm, outputValues, hasHiddenPlaces }: RunContext,
  mounts: StepMounts,
): Promise<GuestProcess> {
  const identity = resolveIdentity(operation.user, await readAccounts(vm.files));
  await ensureDirectory(vm.files, operation.workingDirectory, {
    owner: identityOwner(identity),
    mode: 0o755,
  });
  const process = await startGuestRun(vm, {
    argv: await commandLine(vm, operation),
    environment: {
      ...mounts.defaultEnvironment,
      ...operation.environment,
      ...chosenValues(operation.outputVariables, outputValues),
      ...mounts.environment,
    },
    identity,
    directory: operation.workingDirectory,
    network: operation.network,
    mounts: operation.mounts.length > 0 || hasHiddenPlaces ? mounts.mounts : [],
    endsOthers: true,
    terminal: null,
  });
  await process.endInput();
  return process;
}

/** @throws StepRefused `OutputValueMissing` */
export function chosenValues(
  names: readonly string[],
  values: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.map((name) => {
      const value = values[name];
      if (value !== undefined) return [name, value];
      throw new StepRefused(
        "OutputValueMissing",
        `the value of ${name} is not kept with the layers that the step builds on`,
        "bake with --no-cache, which finds it anew",
      );
    }),
  );
}

async function commandLine(vm: MicroVm, { command }: RunOperation): Promise<readonly string[]> {
  if (command.kind === "argv") return command.argv;
  await vm.files.writeFile(scriptPath, 0o755, Buffer.from(command.content));
  return [scriptPath];
}

/** The command's end, or that of its time: then every process of it is ended. */
async function withTimeout(
  vm: MicroVm,
  timeoutSeconds: number | null,
  ended: Promise<number>,
): Promise<number | "timed-out"> {
  if (timeoutSeconds === null) return ended;
  const timer = new AbortController();
  try {
    const time = delay(timeoutSeconds * 1000, "timed-out" as const, { signal: timer.signal });
    const first = await Promise.race([ended, time]);
    if (first !== "timed-out") return first;
    await vm.runHelper("quiesce");
    await Promise.race([ended, delay(endingMs, undefined, { signal: timer.signal })]);
    return first;
  } finally {
    timer.abort();
    ended.catch(() => undefined);
  }
}

function timedOut({ timeoutSeconds }: RunOperation): StepFailure {
  return {
    kind: "refused",
    code: "StepTimedOut",
    message: `the command was ended after ${timeoutSeconds} s, its --timeout`,
    hint: "give it longer, or find out what it waits for",
  };
}

interface ProcessListener {
  readonly output: MaskedOutput;
  /** Takes standard output as it is; null: nobody does. */
  readonly value: OutputValue | null;
}

async function drain(vm: MicroVm, process: GuestProcess, listener: ProcessListener): Promise<number> {
  for await (const event of process) {
    switch (event.kind) {
      case "output":
        if (event.stream === "stdout") listener.value?.add(event.bytes);
        listener.output.take(event.stream, event.bytes);
        break;
      case "exited":
        listener.output.finish();
        // A signal to the helper itself; only SIGKILL gets through to it.
        return event.exitCode === -1 ? 137 : event.exitCode;
      case "not-started":
        throw commandNotStarted(event.message);
      case "started":
        break;
    }
  }
  throw microVmLost(vm.name);
}

interface MaskedOutput {
  take(stream: "stdout" | "stderr", bytes: Uint8Array): void;
  finish(): void;
}

/** Text out of bytes, without secrets' values. */
function maskedOutput(output: StepOutput, secrets: readonly string[]): MaskedOutput {
  const streams = {
    stdout: { decoder: new TextDecoder(), mask: new SecretMask(secrets) },
    stderr: { decoder: new TextDecoder(), mask: new SecretMask(secrets) },
  };
  const show = (stream: "stdout" | "stderr", text: string) => {
    if (text !== "") output(stream, text);
  };
  return {
    take: (stream, bytes) => {
      const { decoder, mask } = streams[stream];
      show(stream, mask.take(decoder.decode(bytes, { stream: true })));
    },
    finish: () => {
      for (const stream of ["stdout", "stderr"] as const) {
        const { decoder, mask } = streams[stream];
        show(stream, mask.take(decoder.decode()) + mask.finish());
      }
    },
  };
}
