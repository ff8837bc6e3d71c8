import { microVmLost } from "./guest-agent.ts";
import type { GuestProcess } from "./guest-process.ts";
import { guestHelperPath, type MicroVm } from "./micro-vm.ts";
import { StepRefused } from "./step-refused.ts";

/** Exit codes of the helper's pack and unpack; see guest-helper/tree-stream.c. */
const endedTooEarly = 6;
const noSpace = 8;

/** Largest part in one message. */
const chunkBytes = 1024 * 1024;

/**
 * Writes a tree (see tree-stream.ts) into a directory of the guest that is there.
 * @returns false when the stream is not whole
 * @throws StepRefused `NoSpaceLeft`, `GuestFileRefused`
 */
export async function unpackTree(
  vm: MicroVm,
  directory: string,
  stream: AsyncIterable<Uint8Array>,
): Promise<boolean> {
  const process = await vm.start({
    program: guestHelperPath,
    arguments: ["unpack", directory],
    environment: [],
    terminal: null,
  });
  let hasEnded = false;
  const ending = exitOf(vm, process).finally(() => {
    hasEnded = true;
  });
  // Awaited below; a stream that fails first must not leave it without anybody to listen.
  ending.catch(() => undefined);
  try {
    for await (const chunk of stream) {
      for (let at = 0; at < chunk.length && !hasEnded; at += chunkBytes) {
        await process.writeInput(chunk.subarray(at, at + chunkBytes));
      }
      if (hasEnded) break;
    }
  } finally {
    if (!hasEnded) await process.endInput();
  }
  const { exitCode, message } = await ending;
  if (exitCode === 0) return true;
  if (exitCode === endedTooEarly) return false;
  throw treeRefused(exitCode, message);
}

/**
 * A directory of the guest as a stream, which is whole when it ends without an error.
 * @throws StepRefused `GuestFileRefused`
 */
export async function* packTree(vm: MicroVm, directory: string): AsyncGenerator<Uint8Array, void, undefined> {
  const process = await vm.start({
    program: guestHelperPath,
    arguments: ["pack", directory],
    environment: [],
    terminal: null,
  });
  let message = "";
  for await (const event of process) {
    if (event.kind === "not-started") throw new Error(`internal error: ${event.message}`);
    if (event.kind === "output" && event.stream === "stdout") yield event.bytes;
    if (event.kind === "output" && event.stream === "stderr") {
      message += Buffer.from(event.bytes).toString("utf8");
    }
    if (event.kind === "exited") {
      if (event.exitCode === 0) return;
      throw treeRefused(event.exitCode, message);
    }
  }
  throw microVmLost(vm.name);
}

async function exitOf(
  vm: MicroVm,
  process: GuestProcess,
): Promise<{ readonly exitCode: number; readonly message: string }> {
  let message = "";
  for await (const event of process) {
    if (event.kind === "not-started") throw new Error(`internal error: ${event.message}`);
    if (event.kind === "output") message += Buffer.from(event.bytes).toString("utf8");
    if (event.kind === "exited") return { exitCode: event.exitCode, message: message.trim() };
  }
  throw microVmLost(vm.name);
}

function treeRefused(exitCode: number, message: string): StepRefused {
  if (exitCode === noSpace) {
    return new StepRefused(
      "NoSpaceLeft",
      `no space left on the builder's disk while writing ${message.replace(/: no space left$/, "")}`,
      "give it more with `RESOURCES disk=…`",
    );
  }
  return new StepRefused(
    "GuestFileRefused",
    message === "" ? `files could not be written or read in the guest (${exitCode})` : message,
    "look at that path in the guest: `lightbox debug`",
  );
}
