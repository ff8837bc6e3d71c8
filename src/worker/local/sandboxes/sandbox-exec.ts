import { Failure } from "../../../diagnostics/failure.ts";
import { cancelled, throwIfCancelled } from "../../../layers/cancellation.ts";
import type { ExecExit, ExecRequest, ExecStreams } from "../../worker.ts";
import { startGuestRun } from "../guest/guest-run.ts";
import { commandNotStarted, StepRefused } from "../guest/step-refused.ts";
import { readAccounts, resolveIdentity } from "../guest/users.ts";
import { microVmLost } from "../microvm/guest-agent.ts";
import type { GuestProcess } from "../microvm/guest-process.ts";
import { guestHelperPath, MicroVm } from "../microvm/micro-vm.ts";
import { runningSandbox, type SandboxHost } from "./sandboxes.ts";

const signalKill = 9;
const largestInputBytes = 256 * 1024;

/** See `Worker.execInSandbox`. */
export async function execInSandbox(
  host: SandboxHost,
  request: ExecRequest,
  streams: ExecStreams,
  signal: AbortSignal,
): Promise<ExecExit> {
  throwIfCancelled(signal);
  const record = await runningSandbox(host, request.sandbox);
  const vm = await MicroVm.connect(host.microsandbox, record.runtimeName);
  try {
    await vm.ensureHelper();
    const { configuration } = record;
    const { argv, detachedOutput } = request;
    const process = await startGuestRun(vm, {
      argv: detachedOutput === null ? argv : [guestHelperPath, "detach", detachedOutput, ...argv],
      environment: {
        ...(request.terminal === null ? {} : { TERM: "xterm" }),
        ...configuration.environment,
        ...request.environment,
      },
      identity: resolveIdentity(request.user ?? configuration.user, await readAccounts(vm.files)),
      directory: request.workingDirectory ?? configuration.workingDirectory,
      network: "default",
      endsOthers: false,
      terminal: request.terminal,
    });
    return { exitCode: await attend(process, record.runtimeName, streams, signal) };
  } catch (error) {
    if (error instanceof StepRefused) throw refusedExec(error);
    throw error;
  } finally {
    await vm.disconnect();
  }
}

/** Carries input, size changes and output to and fro until the command ends. */
async function attend(
  process: GuestProcess,
  name: string,
  streams: ExecStreams,
  signal: AbortSignal,
): Promise<number> {
  const ended = new AbortController();
  const onAbort = () => {
    process.signal(signalKill).catch((error: unknown) => onInputFailure(error));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  let inputFailure: { readonly error: unknown } | undefined;
  const onInputFailure = (error: unknown) => {
    // Input for a command that is gone has nowhere to go; a lost microVM shows in the output's end, too.
    if (ended.signal.aborted || (error instanceof Failure && error.code === "MicroVmLost")) return;
    inputFailure = { error };
    onAbort();
  };
  carryInput(process, streams, ended.signal).catch(onInputFailure);
  carryResizes(process, streams, ended.signal).catch(onInputFailure);
  try {
    for await (const event of process) {
      if (event.kind === "output") {
        await (event.stream === "stdout" ? streams.stdout(event.bytes) : streams.stderr(event.bytes));
      } else if (event.kind === "not-started") {
        throw commandNotStarted(event.message);
      } else if (event.kind === "exited") {
        if (signal.aborted) throw cancelled(signal);
        if (inputFailure !== undefined) throw inputFailure.error;
        return event.exitCode === -1 ? 128 + signalKill : event.exitCode;
      }
    }
    if (signal.aborted) throw cancelled(signal);
    throw microVmLost(name);
  } finally {
    signal.removeEventListener("abort", onAbort);
    ended.abort();
  }
}

async function carryInput(process: GuestProcess, streams: ExecStreams, ended: AbortSignal): Promise<void> {
  for await (const chunk of streams.stdin ?? []) {
    if (ended.aborted) return;
    for (let at = 0; at < chunk.length; at += largestInputBytes) {
      await process.writeInput(chunk.subarray(at, at + largestInputBytes));
    }
  }
  if (!ended.aborted) await process.endInput();
}

async function carryResizes(process: GuestProcess, streams: ExecStreams, ended: AbortSignal): Promise<void> {
  for await (const { rows, columns } of streams.resizes ?? []) {
    if (ended.aborted) return;
    await process.resize(rows, columns);
  }
}

function refusedExec(error: StepRefused): Failure {
  const { code, message, hint } = error;
  return new Failure({ code, category: "usage", message, ...(hint === null ? {} : { hint }) });
}
