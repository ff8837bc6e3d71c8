/**
 * A child process that adds to a number in a file, as often as told, each time with the lock and in a way that
 * loses counts without it: `node lock-contender.ts LOCKS COUNTER TIMES [die]`. With `die` it is killed while it
 * has the lock, after the last time.
 */
import { readFile, writeFile } from "node:fs/promises";
import { ProcessLocks } from "../../src/layers/lock.ts";

const [directory = "", counter = "", times = "", end] = process.argv.slice(2);
const locks = new ProcessLocks(directory);
for (let done = 1; done <= Number(times); done++) {
  const release = await locks.acquire("counter");
  const before = Number(await readFile(counter, "utf8"));
  await new Promise((resolve) => setImmediate(resolve));
  await writeFile(counter, String(before + 1));
  if (done === Number(times) && end === "die") process.kill(process.pid, "SIGKILL");
  await release();
}
