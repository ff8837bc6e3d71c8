import { type ChildProcessByStdio, spawn } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { guestHelperBinaries } from "../../src/worker/local/microvm/guest-helper-binary.ts";

/** Whether the guest's helper runs on this host, too. */
export const canRunHelper =
  process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");

export interface HelperRun {
  readonly exitCode: number | null;
  readonly output: Buffer;
  readonly message: string;
}

/** The helper as a program of this host. @param folder of the test @returns its path */
export async function helperOnHost(folder: string): Promise<string> {
  const path = join(folder, "guest-helper");
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  await writeFile(path, Buffer.from(guestHelperBinaries[architecture], "base64"));
  await chmod(path, 0o755);
  return path;
}

/** Starts the helper's `carry`, which listens on a socket below the folder, with its streams open. */
export async function startCarrying(
  folder: string,
  words: readonly string[],
): Promise<ChildProcessByStdio<Writable, Readable, null>> {
  return spawn(await helperOnHost(folder), ["carry", ...words], { stdio: ["pipe", "pipe", "inherit"] });
}

/** The helper on this host, in a folder of the test. Only for `pack` and `unpack`: others act on the whole system. */
export async function guestHelper(
  folder: string,
): Promise<(words: readonly string[], input?: AsyncIterable<Uint8Array>) => Promise<HelperRun>> {
  const path = await helperOnHost(folder);
  return async (words, input = Readable.from([])) => {
    const [command] = words;
    if (command !== "pack" && command !== "unpack") throw new Error(`not on a host: ${command}`);
    const child = spawn(path, words, { stdio: ["pipe", "pipe", "pipe"] });
    const exit = Promise.withResolvers<number | null>();
    child.on("error", exit.reject);
    child.on("close", exit.resolve);
    const given = pipeline(input, child.stdin).catch((error: unknown) => {
      // The helper has read what it wants.
      if (!(error instanceof Error && "code" in error && error.code === "EPIPE")) throw error;
    });
    const [output, message, exitCode] = await Promise.all([
      buffer(child.stdout),
      text(child.stderr),
      exit.promise,
      given,
    ]);
    return { exitCode, output, message };
  };
}
