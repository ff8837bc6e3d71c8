import type { ReadStream, WriteStream } from "node:tty";
import type { Home } from "./home.ts";
import type { RecordedEnvironment } from "./recorded-environment.ts";

/** What every command gets from the process it runs in. */
export interface Session {
  readonly home: Home;
  readonly environment: NodeJS.ProcessEnv;
  /** What was read of it so far; null: all of it. */
  readonly environmentRead: RecordedEnvironment["read"];
  /** The folder that relative paths of the command line start from. */
  readonly workingDirectory: string;
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  readonly version: string;
  /** Set by the command that ran; 0 when none said otherwise. */
  exitCode: number;
}

/** Node.js's name of this platform as OCI images spell it, e.g. `linux/amd64`. Guests always run Linux. */
export function guestPlatform(architecture: string = process.arch): string {
  return `linux/${architecture === "x64" ? "amd64" : architecture}`;
}
