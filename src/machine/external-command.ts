import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";

export interface CommandOptions {
  readonly signal: AbortSignal;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Called with each piece of output, both streams. */
  readonly onOutput?: (text: string) => void;
  /** Lets the command read from the terminal, for `sudo`'s password. */
  readonly terminal?: boolean;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const keptOutputBytes = 64 * 1024;

/** The folders where system programs are, which a user's PATH often lacks. */
const systemDirectories = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];

/** Where a program is: in `searchPath` (default: PATH), then in the system's folders; undefined when nowhere. */
export async function findProgram(
  name: string,
  searchPath = process.env.PATH ?? "",
): Promise<string | undefined> {
  for (const directory of [...searchPath.split(delimiter), ...systemDirectories]) {
    if (directory === "") continue;
    const path = join(directory, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== "ENOENT" && code !== "EACCES" && code !== "ENOTDIR") throw error;
    }
  }
  return undefined;
}

/**
 * Runs a program to its end and keeps the last of its output.
 *
 * @throws Failure `ProgramMissing`, `ProgramTimedOut`, `Cancelled`. A non-zero exit is a result.
 */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const [program, ...rest] = argv;
  if (program === undefined) throw new Error("internal error: empty command");
  const bounds = [options.signal];
  const timeout = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
  if (timeout !== undefined) bounds.push(timeout);
  const child = spawn(program, rest, {
    stdio: [options.terminal === true ? "inherit" : "ignore", "pipe", "pipe"],
    signal: AbortSignal.any(bounds),
    killSignal: "SIGKILL",
    env: { ...process.env, LC_ALL: "C", ...options.environment },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const output = { stdout: "", stderr: "" };
  const keep = (stream: "stdout" | "stderr") => (text: string) => {
    output[stream] = (output[stream] + text).slice(-keptOutputBytes);
    options.onOutput?.(text);
  };
  child.stdout.setEncoding("utf8").on("data", keep("stdout"));
  child.stderr.setEncoding("utf8").on("data", keep("stderr"));
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code ?? 128));
    });
    return { exitCode, ...output };
  } catch (error) {
    throw explainSpawnError(error, argv, { cancelled: options.signal.aborted });
  }
}

/**
 * As {@link runCommand}, but a non-zero exit is a failure with the end of what the program said.
 *
 * @throws Failure also `ProgramFailed`
 */
export async function runChecked(argv: readonly string[], options: CommandOptions): Promise<string> {
  const result = await runCommand(argv, options);
  if (result.exitCode === 0) return result.stdout;
  throw new Failure({
    code: "ProgramFailed",
    category: "environment",
    message: `\`${argv.join(" ")}\` ended with exit code ${result.exitCode}: ${lastLines(result.stderr || result.stdout, 8)}`,
    hint: "run that command by hand to see more",
  });
}

function explainSpawnError(error: unknown, argv: readonly string[], how: { cancelled: boolean }): unknown {
  if (how.cancelled) {
    return new Failure({
      code: "Cancelled",
      category: "cancelled",
      message: "stopped on request",
      cause: error,
    });
  }
  if (error instanceof Error && error.name === "AbortError") {
    return new Failure({
      code: "ProgramTimedOut",
      category: "environment",
      message: `\`${argv.join(" ")}\` did not end in time and was killed`,
      hint: "try again when this host is less busy, or run that command by hand to see what keeps it",
      cause: error,
    });
  }
  if (systemErrorCode(error) === "ENOENT") {
    return new Failure({
      code: "ProgramMissing",
      category: "environment",
      message: `the program ${argv[0] ?? ""} is not installed`,
      hint: "run `lightbox doctor` to see what is missing and what installs it",
      cause: error,
    });
  }
  return error;
}

/** The first line of what a program says about itself when it is called with these words. */
export async function versionOf(
  program: string,
  words: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const { stdout, stderr } = await runCommand([program, ...words], { signal, timeoutMs: 20_000 });
  return (stdout || stderr).split("\n")[0]?.trim() ?? "";
}

/** The last `count` non-empty lines of a text. */
export function lastLines(text: string, count: number): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-count)
    .join("\n");
}
