import { randomBytes, randomInt } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { namesIn } from "../model/present-files.ts";
import { cancelled, throwIfCancelled } from "./cancellation.ts";
import { isAlive, ownIdentity } from "./process-identity.ts";

export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Called once, when the lock is not free at once. */
  readonly onWait?: () => void;
}

/** Lets go; idempotent. */
export type Release = () => Promise<void>;

const shortestPollMs = 5;
const longestPollMs = 250;

/**
 * Locks between processes, as files `<name>.<process identity>.<random>` in one folder.
 *
 * Who wants a lock first announces itself with a file of its own, then looks: whoever sees no other living
 * announcement has the lock. Of two that announce at once at most one can miss the other, because both look
 * after announcing; the one with the greater file name steps back. A file's name is never used again and a
 * dead process never comes back, so anybody may delete the files of the dead at any time: a killed holder
 * frees the lock at once, and no take-over can hit a living one.
 */
export class ProcessLocks {
  readonly #directory: string;
  /** In this process the waiting is in order, without polling. */
  readonly #queues = new Map<string, Promise<void>>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws Failure `Cancelled` */
  async acquire(name: string, options: LockOptions = {}): Promise<Release> {
    if (!/^[0-9a-z-]+$/.test(name)) throw new Error(`internal error: not a lock name: ${name}`);
    throwIfCancelled(options.signal);
    const onWait = once(options.onWait ?? (() => undefined));
    const leaveQueue = await this.#joinQueue(name, onWait, options.signal);
    try {
      const path = await this.#contend(name, onWait, options.signal);
      return once(async () => {
        try {
          await rm(path, { force: true });
        } finally {
          leaveQueue();
        }
      });
    } catch (error) {
      leaveQueue();
      throw error;
    }
  }

  async isLocked(name: string): Promise<boolean> {
    return (await this.#livingContenders(name)).length > 0;
  }

  /** Deletes the files of dead processes. */
  async sweep(): Promise<void> {
    for (const file of await namesIn(this.#directory)) await this.#isLiving(file);
  }

  async #joinQueue(name: string, onWait: () => void, signal: AbortSignal | undefined): Promise<() => void> {
    const before = this.#queues.get(name);
    const { promise: done, resolve: leave } = Promise.withResolvers<void>();
    const tail = (before ?? Promise.resolve()).then(() => done);
    this.#queues.set(name, tail);
    void tail.then(() => {
      if (this.#queues.get(name) === tail) this.#queues.delete(name);
    });
    if (before === undefined) return leave;
    onWait();
    try {
      await untilAborted(before, signal);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  /** Resolves with the path of the file that stands for the lock. */
  async #contend(name: string, onWait: () => void, signal: AbortSignal | undefined): Promise<string> {
    for (let pollMs = shortestPollMs; ; pollMs = Math.min(pollMs * 2, longestPollMs)) {
      throwIfCancelled(signal);
      if ((await this.#livingContenders(name)).length === 0) {
        const won = await this.#announce(name, signal);
        if (won !== undefined) return won;
      }
      onWait();
      await pause(pollMs + randomInt(shortestPollMs), signal);
    }
  }

  /** The path of our announcement when it won, undefined when it stepped back. */
  async #announce(name: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    const file = `${name}.${await ownIdentity()}.${randomBytes(8).toString("hex")}`;
    const path = join(this.#directory, file);
    await (await open(path, "wx")).close();
    try {
      for (;;) {
        const others = (await this.#livingContenders(name)).filter((other) => other !== file);
        if (others.length === 0) return path;
        if (others.some((other) => other < file)) break;
        // The others step back, unless one holds the lock already: then this waits for it.
        await pause(shortestPollMs, signal);
      }
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    await rm(path, { force: true });
    return undefined;
  }

  async #livingContenders(name: string): Promise<string[]> {
    const living: string[] = [];
    for (const file of await namesIn(this.#directory)) {
      if (file.startsWith(`${name}.`) && (await this.#isLiving(file))) living.push(file);
    }
    return living;
  }

  async #isLiving(file: string): Promise<boolean> {
    const alive = await isAlive(file.split(".")[1] ?? "");
    if (alive === false) await rm(join(this.#directory, file), { force: true });
    return alive === true;
  }
}

/** The action, at most once; later calls get the first one's result. */
function once<Result>(action: () => Result): () => Result {
  let result: { readonly value: Result } | undefined;
  return () => {
    result ??= { value: action() };
    return result.value;
  };
}

async function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  await untilAborted(delay(durationMs), signal);
}

async function untilAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  throwIfCancelled(signal);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(cancelled(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
