import type { ExecRequest, Worker } from "./worker.ts";

/** More is not kept: what is collected is for a message. */
const outputLimitBytes = 4096;

export interface CollectExecRequest extends Pick<ExecRequest, "sandbox" | "argv"> {
  /** Absent: as the sandbox's configuration says. */
  readonly workingDirectory?: string;
  readonly user?: string;
  /** Absent: the command reads end of file at once. */
  readonly stdin?: Uint8Array;
  /** Absent: the command is waited for. */
  readonly detachedOutput?: string;
}

export interface CollectedExec {
  readonly exitCode: number;
  /** What the command printed first, stdout and stderr as they came. */
  readonly output: string;
}

/**
 * Runs a command in a sandbox, without a terminal, and keeps what it prints.
 * @throws what {@link Worker.execInSandbox} throws
 */
export async function collectExec(
  worker: Worker,
  { sandbox, argv, workingDirectory, user, stdin, detachedOutput }: CollectExecRequest,
  signal: AbortSignal,
): Promise<CollectedExec> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const take = (chunk: Uint8Array): void => {
    const kept = chunk.subarray(0, outputLimitBytes - sizeBytes);
    sizeBytes += kept.length;
    chunks.push(kept);
  };
  const { exitCode } = await worker.execInSandbox(
    {
      sandbox,
      argv,
      environment: {},
      workingDirectory: workingDirectory ?? null,
      user: user ?? null,
      terminal: null,
      detachedOutput: detachedOutput ?? null,
    },
    { stdin: stdin === undefined ? null : oneChunk(stdin), stdout: take, stderr: take, resizes: null },
    signal,
  );
  return { exitCode, output: Buffer.concat(chunks).toString() };
}

async function* oneChunk(chunk: Uint8Array): AsyncIterable<Uint8Array> {
  yield chunk;
}
