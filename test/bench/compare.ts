import { spawn } from "node:child_process";

/** A command of a benchmark; its output is thrown away. */
export interface BenchCommand {
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Aborting it ends the command. */
  readonly signal?: AbortSignal;
}

export interface Comparison {
  readonly oursMs: number;
  readonly theirsMs: number;
  /** Median of the ratios of neighbouring runs: less depends on what else the machine is doing. */
  readonly ratio: number;
}

/** Whole processes in turn, ours and theirs, after one warm-up each. Times are medians. */
export async function compareCommands(
  ours: BenchCommand,
  theirs: BenchCommand,
  rounds = 11,
): Promise<Comparison> {
  await timeCommand(ours);
  await timeCommand(theirs);
  const pairs: { ours: number; theirs: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    pairs.push({ ours: await timeCommand(ours), theirs: await timeCommand(theirs) });
  }
  return {
    oursMs: median(pairs.map((pair) => pair.ours)),
    theirsMs: median(pairs.map((pair) => pair.theirs)),
    ratio: median(pairs.map((pair) => pair.ours / pair.theirs)),
  };
}

/** Milliseconds of one run. @throws Error when the command fails, with the end of its output. */
export async function timeCommand(command: BenchCommand): Promise<number> {
  const started = performance.now();
  await runCommand(command);
  return performance.now() - started;
}

/** Resolves with stdout. */
export async function runCommand({ argv, cwd, environment, signal }: BenchCommand): Promise<string> {
  const [program, ...words] = argv;
  if (program === undefined) throw new Error("no command");
  const child = spawn(program, words, {
    cwd,
    signal,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}:\n${stdout.slice(-2000)}${stderr}`);
  return stdout;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("no values");
  return middle;
}
