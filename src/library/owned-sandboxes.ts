/** What can be stopped when the process that launched it ends. */
interface Owned {
  stop(): Promise<void>;
}

const owned = new Set<Owned>();

/** Has the sandbox stopped when this process has nothing left to do. */
export function own(sandbox: Owned): void {
  // Not at `exit`: what is started there is never waited for.
  if (owned.size === 0) process.on("beforeExit", stopAll);
  owned.add(sandbox);
}

/** Whether this process still owned it. */
export function disown(sandbox: Owned): boolean {
  const wasOwned = owned.delete(sandbox);
  if (wasOwned && owned.size === 0) process.off("beforeExit", stopAll);
  return wasOwned;
}

/** Each is tried once: the process would not end while one that cannot be stopped is tried again. */
function stopAll(): void {
  for (const sandbox of [...owned]) {
    disown(sandbox);
    sandbox.stop().catch((error: unknown) => process.emitWarning(String(error)));
  }
}
