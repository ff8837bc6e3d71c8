import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { runCommandLine } from "../../src/cli/main.ts";
import { recordEnvironment } from "../../src/cli/recorded-environment.ts";
import type { Session } from "../../src/cli/session.ts";
import { findHome } from "../../src/host/home.ts";
import { FakeWorker, type FakeWorkerOptions } from "./fake-worker.ts";
import { remoteToken, startRemoteRig } from "./remote-rig.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line in this process, against a worker in memory that it reaches through `LIGHTBOX_HOST`. */
export interface CommandRig extends AsyncDisposable {
  readonly worker: FakeWorker;
  readonly home: Session["home"];
  /** Where commands run; empty at first. */
  readonly folder: string;
  /** Tests may change it. */
  readonly environment: NodeJS.ProcessEnv;
  run(...words: readonly string[]): Promise<CommandResult>;
}

export async function commandRig(options: FakeWorkerOptions = {}): Promise<CommandRig> {
  const resources = new AsyncDisposableStack();
  const { path } = resources.use(await temporaryFolder());
  const folder = join(path, "project");
  await mkdir(folder);
  const worker = new FakeWorker(options);
  const { server } = resources.use(await startRemoteRig(worker));
  const environment: NodeJS.ProcessEnv = {
    LIGHTBOX_HOME: join(path, "home"),
    LIGHTBOX_HOST: server.url,
    LIGHTBOX_TOKEN: remoteToken,
  };
  const home = findHome(environment);
  return {
    worker,
    home,
    folder,
    environment,
    run: async (...words) => {
      const stdin = new PassThrough();
      stdin.end();
      const stdout = new PassThrough();
      const stderr = new PassThrough();
      // Commands use of these streams what all streams have, and whether they are a terminal: they are none.
      const streams = { stdin, stdout, stderr } as unknown as Pick<Session, "stdin" | "stdout" | "stderr">;
      const recorded = recordEnvironment(environment);
      const session: Session = {
        ...streams,
        home,
        environment: recorded.environment,
        environmentRead: recorded.read,
        workingDirectory: folder,
        signal: new AbortController().signal,
        version: "1.2.3",
        onMachineEvent() {},
        exitCode: 0,
      };
      const exitCode = await runCommandLine(["node", "lightbox", ...words], session);
      return { exitCode, stdout: textOf(stdout), stderr: textOf(stderr) };
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function textOf(stream: PassThrough): string {
  const bytes: unknown = stream.read();
  return bytes instanceof Buffer ? bytes.toString("utf8") : "";
}
