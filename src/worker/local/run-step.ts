import type { RunOperation } from "../../model/step-operation.ts";
import type { StepFailure } from "../worker.ts";
import { microVmLost } from "./guest-agent.ts";
import { ensureDirectory, ensureWorkingDirectories } from "./guest-directories.ts";
import type { GuestProcess } from "./guest-process.ts";
import { startGuestRun } from "./guest-run.ts";
import type { MicroVm } from "./micro-vm.ts";
import { commandNotStarted } from "./step-refused.ts";
import { identityOwner, readAccounts, resolveIdentity } from "./users.ts";

/** In memory: the script is in the step's key and must not be in its layer. */
const scriptPath = "/dev/.lightbox-script";

export type StepOutput = (stream: "stdout" | "stderr", text: string) => void;

/**
 * Carries out a `RUN`.
 * @returns undefined when the command exits with 0
 * @throws StepRefused `UnknownUser`, `UnknownGroup`, `CommandNotStarted`
 */
export async function runStep(
  vm: MicroVm,
  operation: RunOperation,
  output: StepOutput,
): Promise<StepFailure | undefined> {
  await ensureWorkingDirectories(vm.files, operation.directories);
  const identity = resolveIdentity(operation.user, await readAccounts(vm.files));
  await ensureDirectory(vm.files, operation.workingDirectory, {
    owner: identityOwner(identity),
    mode: 0o755,
  });
  const process = await startGuestRun(vm, {
    argv: await commandLine(vm, operation),
    environment: operation.environment,
    identity,
    directory: operation.workingDirectory,
    network: operation.network,
    endsOthers: true,
    terminal: null,
  });
  await process.endInput();
  const exitCode = await drain(vm, process, output);
  return exitCode === 0 ? undefined : { kind: "exit", exitCode };
}

async function commandLine(vm: MicroVm, { command }: RunOperation): Promise<readonly string[]> {
  if (command.kind === "argv") return command.argv;
  await vm.files.writeFile(scriptPath, 0o755, Buffer.from(command.content));
  return [scriptPath];
}

async function drain(vm: MicroVm, process: GuestProcess, output: StepOutput): Promise<number> {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  for await (const event of process) {
    switch (event.kind) {
      case "output": {
        const text = decoders[event.stream].decode(event.bytes, { stream: true });
        if (text !== "") output(event.stream, text);
        break;
      }
      case "exited":
        for (const stream of ["stdout", "stderr"] as const) {
          const rest = decoders[stream].decode();
          if (rest !== "") output(stream, rest);
        }
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
