import { Failure } from "../../diagnostics/failure.ts";
import { didYouMean } from "../../diagnostics/suggest.ts";
import type { SandboxDescription, Worker } from "../../worker/worker.ts";
import { withWorker } from "../open-worker.ts";
import type { ExecOptions } from "../options.ts";
import { parseEnvironment } from "../parse-launch-options.ts";
import type { Session } from "../session.ts";
import { openTerminalStreams, type TerminalChoice } from "../terminal-streams.ts";

/** Runs `words` in a sandbox, or a shell when there are none; resolves with the command's exit code. */
export async function execInSandbox(
  name: string,
  words: readonly string[] | null,
  options: ExecOptions,
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const sandbox = await findSandbox(worker, name, session.signal);
    return await execWithTerminal(worker, {
      sandbox,
      argv: words ?? shellArgv(sandbox),
      environment: parseEnvironment(options.env, session.environment),
      workingDirectory: options.workdir ?? null,
      user: options.user ?? null,
      terminal: options,
      session,
    });
  });
}

export function shellArgv(sandbox: SandboxDescription): readonly string[] {
  return sandbox.configuration.shell.slice(0, 1);
}

async function findSandbox(worker: Worker, name: string, signal: AbortSignal): Promise<SandboxDescription> {
  const sandboxes = await worker.listSandboxes(signal);
  const found = sandboxes.find((sandbox) => sandbox.name === name);
  if (found !== undefined) return found;
  const names = sandboxes.map((sandbox) => sandbox.name);
  throw new Failure({
    code: "UnknownSandbox",
    category: "usage",
    message: `there is no sandbox named ${JSON.stringify(name)}`,
    hint: didYouMean(name, names) ?? "`lightbox ps` lists them",
  });
}

export interface ExecWithTerminal {
  readonly sandbox: SandboxDescription;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string | null;
  readonly user: string | null;
  readonly terminal: TerminalChoice;
  readonly session: Session;
}

/** Connects this terminal to a command in a running sandbox. */
export async function execWithTerminal(worker: Worker, exec: ExecWithTerminal): Promise<number> {
  const terminal = openTerminalStreams(exec.terminal, exec.session);
  const environment =
    terminal.size === null
      ? exec.environment
      : { TERM: exec.session.environment.TERM ?? "xterm", ...exec.environment };
  try {
    const exit = await worker.execInSandbox(
      {
        sandbox: exec.sandbox.name,
        argv: exec.argv,
        environment,
        workingDirectory: exec.workingDirectory,
        user: exec.user,
        terminal: terminal.size,
      },
      terminal.streams,
      exec.session.signal,
    );
    return exit.exitCode;
  } finally {
    terminal.restore();
  }
}
