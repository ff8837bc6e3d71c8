import { withWorker } from "../../host/choose-worker.ts";
import { shellOf } from "../../sandboxes/default-command.ts";
import { findSandbox } from "../../sandboxes/find-sandbox.ts";
import type { SandboxDescription, Worker } from "../../worker/worker.ts";
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
      argv: words ?? shellOf(sandbox.configuration),
      environment: parseEnvironment(options.env, session.environment),
      workingDirectory: options.workdir ?? null,
      user: options.user ?? null,
      terminal: options,
      session,
    });
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
        detachedOutput: null,
      },
      terminal.streams,
      exec.session.signal,
    );
    return exit.exitCode;
  } finally {
    terminal.restore();
  }
}
