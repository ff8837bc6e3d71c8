import { Readable } from "node:stream";
import { microVmLost } from "../microvm/guest-agent.ts";
import { GuestFileError } from "../microvm/guest-file.ts";
import { errnoName } from "../microvm/guest-file-answers.ts";
import type { GuestProcess } from "../microvm/guest-process.ts";
import { guestHelperPath, type MicroVm } from "../microvm/micro-vm.ts";
import { StepRefused } from "./step-refused.ts";
import { readTreeEntries, type TreeEntry } from "./tree-stream.ts";

/** Exit code of the helper's unpack; see guest-helper/tree-stream.c. */
const endedTooEarly = 6;

/**
 * Of one message: each costs as much as many small files. The runtime lets some hundreds of them wait for the guest, which
 * bounds what it holds.
 */
const messageBytes = 256 * 1024;

/** What is used of a microVM. */
export type TreeGuest = Pick<MicroVm, "name" | "start">;

/**
 * Writes a tree (see tree-stream.ts) into a directory of the guest that is there; '' is the guest's root. Whatever the end,
 * nothing is being written any more after it.
 * @returns false when the stream is not whole
 * @throws GuestFileError when the guest's kernel refuses, and what the stream throws
 */
export async function unpackTree(
  vm: TreeGuest,
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
    for await (const message of inMessages(stream)) {
      if (hasEnded) break;
      await process.writeInput(message);
    }
    if (!hasEnded) await process.endInput();
  } catch (error) {
    await Promise.allSettled([process.endInput(), ending]);
    throw error;
  }
  const { exitCode, message } = await ending;
  if (exitCode === 0) return true;
  if (exitCode === endedTooEarly) return false;
  throw treeRefused(exitCode, message);
}

/** The bytes of a stream in parts that are worth a message each. */
export async function* inMessages(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let message = Buffer.allocUnsafe(messageBytes);
  let filledBytes = 0;
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + messageBytes - filledBytes);
      message.set(part, filledBytes);
      filledBytes += part.length;
      at += part.length;
      if (filledBytes < messageBytes) continue;
      yield message;
      message = Buffer.allocUnsafe(messageBytes);
      filledBytes = 0;
    }
  }
  if (filledBytes > 0) yield message.subarray(0, filledBytes);
}

/**
 * A directory of the guest as a stream, which is whole when it ends without an error.
 * @throws GuestFileError when the guest's kernel refuses
 */
export async function* packTree(
  vm: TreeGuest,
  directory: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* outputOf(vm, ["pack", directory]);
}

/**
 * What paths of the guest name, each with all below it, in one exchange: the entry whose path is '' is what the path
 * names, through links; of all others links stay links.
 * @param leftOut directories that are not looked into
 * @throws GuestFileError when the guest's kernel refuses, such as a path that names nothing
 */
export async function listTrees(
  vm: TreeGuest,
  paths: readonly string[],
  leftOut: readonly string[],
): Promise<readonly (readonly TreeEntry[])[]> {
  const stream = await wholeOutputOf(vm, ["list", "", ...leftOut], paths);
  const lists: TreeEntry[][] = [];
  for (const { entry } of readTreeEntries(stream, "no content")) {
    if (entry.path === "") lists.push([]);
    lists.at(-1)?.push(entry);
  }
  return lists;
}

/**
 * The content of files, in one exchange: all of it is held.
 * @throws GuestFileError when the guest's kernel refuses
 */
export async function readFiles(vm: TreeGuest, paths: readonly string[]): Promise<readonly Buffer[]> {
  const stream = await wholeOutputOf(vm, ["read", ""], paths);
  return [...readTreeEntries(stream, "content")].map(({ content }) => content);
}

async function wholeOutputOf(
  vm: TreeGuest,
  words: readonly string[],
  paths: readonly string[],
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of outputOf(vm, words, paths)) parts.push(part);
  return Buffer.concat(parts);
}

/** What the helper writes; with paths, they are its standard input. */
async function* outputOf(
  vm: TreeGuest,
  words: readonly string[],
  paths?: readonly string[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const process = await vm.start({
    program: guestHelperPath,
    arguments: words,
    environment: [],
    terminal: null,
  });
  // While its output is read: neither waits for the other. When the helper ends early, it says why itself.
  if (paths !== undefined) givePaths(process, paths).catch(() => undefined);
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

async function givePaths(process: GuestProcess, paths: readonly string[]): Promise<void> {
  for await (const message of inMessages(Readable.from(paths.map(pathRecord)))) {
    await process.writeInput(message);
  }
  await process.endInput();
}

function pathRecord(path: string): Buffer {
  const bytes = Buffer.from(path, "utf8");
  const record = Buffer.alloc(2 + bytes.length);
  record.writeUInt16LE(bytes.length);
  bytes.copy(record, 2);
  return record;
}

async function exitOf(
  vm: TreeGuest,
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

/** What the helper says of a path, as an error of the operation that the kernel refused. */
export function treeRefused(exitCode: number, message: string): Error {
  const [, path, reason, number] = /^(.*): (.*) \(os error (\d+)\)$/s.exec(message.trim()) ?? [];
  if (path === undefined || reason === undefined || number === undefined) {
    return new StepRefused(
      "GuestFileRefused",
      `files could not be written or read in the guest (${exitCode})${message === "" ? "" : `: ${message}`}`,
      "look at that path in the guest: `lightbox debug`",
    );
  }
  return new GuestFileError(path, errnoName(number), reason);
}
