import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Failure, systemErrorCode } from "../../diagnostics/failure.ts";
import { loadHasher } from "../../graph/keys/hash.ts";
import { openLocalWorker } from "../../worker/local/local-worker.ts";
import { startWorkerServer } from "../../worker/remote/server.ts";
import type { Worker } from "../../worker/worker.ts";
import { exitCodes } from "../exit-code.ts";
import type { ServeOptions } from "../options.ts";
import type { Session } from "../session.ts";

const answerTimeMs = 500;

/** `lightbox serve`: serves this host's worker until it is stopped, or until it has had nothing to do for long. */
export async function serve(options: ServeOptions, session: Session): Promise<number> {
  const storeDirectory = options.store
    ? resolve(session.workingDirectory, options.store)
    : session.home.store;
  const { token, source } = await findToken(options, session);
  const stuck = new AbortController();
  await using worker = await openLocalWorker({
    storeDirectory,
    version: session.version,
    onStuck: () => stuck.abort(),
  });
  const hasher = await loadHasher();
  const idle = new IdleWatch(worker, options.idleTimeout);
  const server = await startWorkerServer({
    worker,
    host: options.address,
    port: options.port,
    token,
    version: session.version,
    spoolFolder: join(storeDirectory, "spool"),
    createHasher: () => hasher.start(),
    onActivity: (activity) => idle.onActivity(activity.isBusy),
    onInternalError: (error) => session.stderr.write(`internal error: ${describe(error)}\n`),
  });
  session.stdout.write(`serving at ${server.url}, token ${source}\n`);
  await idle.untilOver(AbortSignal.any([session.signal, stuck.signal]));
  if (stuck.signal.aborted) {
    server.refuseNewConnections();
    // The client that met the trouble still has to hear of it.
    await delay(answerTimeMs);
  }
  await server.close();
  return stuck.signal.aborted ? exitCodes.environment : exitCodes.success;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

interface Token {
  readonly token: string;
  /** Where a client's user finds it; the token itself is not printed. */
  readonly source: string;
}

async function findToken(options: ServeOptions, session: Session): Promise<Token> {
  const path = options.tokenFile ? resolve(session.workingDirectory, options.tokenFile) : undefined;
  const given = session.environment.LIGHTBOX_TOKEN;
  if (path === undefined && given) return { token: given, source: "from LIGHTBOX_TOKEN" };
  const file = path ?? join(session.home.directory, "serve-token");
  try {
    const token = (await readFile(file, "utf8")).trim();
    if (token !== "") return { token, source: `in ${file}` };
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw unreadable(file, error);
  }
  const token = randomBytes(32).toString("hex");
  try {
    // A folder that the user names is not made: it may be misspelt.
    if (path === undefined) await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${token}\n`, { mode: 0o600 });
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw unwritable(file, error);
  }
  return { token, source: `in ${file}` };
}

function unwritable(file: string, cause: unknown): Failure {
  return new Failure({
    code: "TokenFileUnwritable",
    category: "environment",
    message: `the token file ${file} is not there and cannot be made (${systemErrorCode(cause)})`,
    hint: "name one in a folder that is there with --token-file, or set LIGHTBOX_TOKEN",
    cause,
  });
}

function unreadable(file: string, cause: unknown): Failure {
  return new Failure({
    code: "TokenFileUnreadable",
    category: "environment",
    message: `the token file ${file} cannot be read`,
    hint: "name another one with --token-file, or set LIGHTBOX_TOKEN",
    cause,
  });
}

/** Waits until the server has had no calls and no running sandboxes for the idle time. */
class IdleWatch {
  readonly #worker: Worker;
  readonly #timeoutMs: number | undefined;
  #isBusy = false;
  #idleSince = Date.now();

  constructor(worker: Worker, timeoutMinutes: number | undefined) {
    this.#worker = worker;
    this.#timeoutMs = timeoutMinutes === undefined ? undefined : timeoutMinutes * 60_000;
  }

  onActivity(isBusy: boolean): void {
    this.#isBusy = isBusy;
    this.#idleSince = Date.now();
  }

  async untilOver(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const checkEveryMs = Math.min(15_000, (this.#timeoutMs ?? 60_000) / 4);
    const timer = setInterval(async () => {
      if (await this.#isOver(signal)) resolve();
    }, checkEveryMs);
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
    await promise;
    clearInterval(timer);
  }

  async #isOver(signal: AbortSignal): Promise<boolean> {
    if (this.#timeoutMs === undefined || this.#isBusy) return false;
    if (Date.now() - this.#idleSince < this.#timeoutMs) return false;
    const sandboxes = await this.#worker.listSandboxes(signal);
    if (!sandboxes.some((sandbox) => sandbox.status === "running")) return true;
    this.#idleSince = Date.now();
    return false;
  }
}
