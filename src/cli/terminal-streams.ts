import { once } from "node:events";
import type { Writable } from "node:stream";
import type { ExecStreams, TerminalSize } from "../worker/worker.ts";
import type { Session } from "./session.ts";

export interface TerminalChoice {
  readonly tty?: boolean;
  readonly interactive?: boolean;
}

/** This terminal as the streams of a command in a sandbox. `restore` gives the terminal back. */
export interface TerminalStreams {
  readonly size: TerminalSize | null;
  readonly streams: ExecStreams;
  restore(): void;
}

/** Input is passed on when asked for or when it is there to be read; a terminal when both ends are one. */
export function openTerminalStreams(choice: TerminalChoice, session: Session): TerminalStreams {
  const { stdin, stdout, stderr } = session;
  const interactive = choice.interactive ?? true;
  const terminal = choice.tty ?? (interactive && stdin.isTTY && stdout.isTTY);
  if (terminal && stdin.isTTY) stdin.setRawMode(true);
  const closeResizes = new AbortController();
  return {
    size: terminal ? terminalSize(stdout) : null,
    streams: {
      stdin: interactive ? readInput(stdin) : null,
      stdout: (chunk) => writeFully(stdout, chunk),
      stderr: (chunk) => writeFully(stderr, chunk),
      resizes: terminal && stdout.isTTY ? readResizes(stdout, closeResizes.signal) : null,
    },
    restore: () => {
      closeResizes.abort();
      if (terminal && stdin.isTTY) stdin.setRawMode(false);
      // A stdin that is still being read would keep the process from ending.
      stdin.destroy();
    },
  };
}

function terminalSize(stdout: Session["stdout"]): TerminalSize {
  return { rows: stdout.rows || 24, columns: stdout.columns || 80 };
}

async function* readInput(stdin: Session["stdin"]): AsyncIterable<Uint8Array> {
  for await (const chunk of stdin) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}

async function* readResizes(stdout: Session["stdout"], signal: AbortSignal): AsyncIterable<TerminalSize> {
  while (!signal.aborted) {
    try {
      await once(stdout, "resize", { signal });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    yield terminalSize(stdout);
  }
}

async function writeFully(stream: Writable, chunk: Uint8Array): Promise<void> {
  if (!stream.write(chunk)) await once(stream, "drain");
}
