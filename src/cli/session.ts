import type { ReadStream, WriteStream } from "node:tty";
import type { HostContext } from "../host/host-context.ts";
import type { RecordedEnvironment } from "./recorded-environment.ts";

/** What every command gets from the process it runs in. */
export interface Session extends HostContext {
  /** What was read of it so far; null: all of it. */
  readonly environmentRead: RecordedEnvironment["read"];
  /** The folder that relative paths of the command line start from. */
  readonly workingDirectory: string;
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** Set by the command that ran; 0 when none said otherwise. */
  exitCode: number;
}
