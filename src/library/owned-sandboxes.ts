/** What can be stopped when the process that launched it ends. */
interface Owned {
  stop(): Promise<void>;
}

const owned = new Set<Owned>();
let isWaiting = false;

/** Has the sandbox stopped when this process has nothing left to do. */
export function own(sandbox: Owned): void {
  owned.add(sandbox);
  if (isWaiting) return;
  isWaiting = true;
  // Not at `exit`: what is started there is never waited for.
  process.once("beforeExit", () => void stopAll());
}

/** Whether this process still owned it. */
export function disown(sandbox: Owned): boolean {
  return owned.delete(sandbox);
}

async function stopAll(): Promise<void> {
  const ended = await Promise.allSettled([...owned].map((sandbox) => sandbox.stop()));
  for (const one of ended) if (one.status === "rejected") process.emitWarning(String(one.reason));
}
