import { spawn } from "node:child_process";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";

export interface GitRun {
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** For messages. */
  readonly url: string;
}

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What git may speak: not `ext::`, which runs any command that a reference names. */
const protocols = "https:http:ssh:git:file";
const keptOutputLength = 4 * 2 ** 20;

/** Nothing of the repository that calls us may act on those that we fetch. */
const repositoryVariables = new Set([
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_NAMESPACE",
  "GIT_PREFIX",
  "GIT_CEILING_DIRECTORIES",
]);

/**
 * Runs git to its end. It never asks anybody: without a terminal of its own neither git nor ssh can. The user's own
 * configuration counts, because it says how to log in.
 *
 * @throws Failure `GitMissing`, `Cancelled`. A non-zero exit is a result.
 */
export async function runGit({ args, signal, url }: GitRun): Promise<GitResult> {
  signal.throwIfAborted();
  const child = spawn("git", ["-c", "core.hooksPath=/dev/null", "-c", "protocol.version=2", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: gitEnvironment(),
    // A session of its own: no terminal to ask for a password on, and one group to end.
    detached: true,
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] = (output[stream] + text).slice(-keptOutputLength);
    });
  }
  const onAbort = () => endGroup(child.pid);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code ?? 128));
    });
    signal.throwIfAborted();
    return { exitCode, ...output };
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw new Failure({
      code: "GitMissing",
      category: "environment",
      message: `${url} needs the program git, which is not installed`,
      hint: "install git, e.g. with `apt-get install git`",
      cause: error,
    });
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function gitEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !repositoryVariables.has(name));
  return {
    ...Object.fromEntries(kept),
    LC_ALL: "C",
    // Whatever this user's git prefers: every git can read it.
    GIT_DEFAULT_REF_FORMAT: "files",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: protocols,
    // An askpass program would open a window that nobody waits for.
    GIT_ASKPASS: "true",
    SSH_ASKPASS_REQUIRE: "never",
  };
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // ESRCH: it has ended already.
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}
