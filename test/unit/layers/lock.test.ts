import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ProcessLocks } from "../../../src/layers/lock.ts";
import { identityOf, isAlive, ownIdentity } from "../../../src/layers/process-identity.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const contender = join(import.meta.dirname, "../../support/lock-contender.ts");

async function runContender(argv: readonly string[]): Promise<string | undefined> {
  try {
    await promisify(execFile)(process.execPath, [contender, ...argv]);
    return undefined;
  } catch (error) {
    if (error instanceof Error && "signal" in error && typeof error.signal === "string") return error.signal;
    throw error;
  }
}

describe("a lock", () => {
  test("is had by one process at a time, also when holders are killed", async () => {
    await using folder = await temporaryFolder();
    const locks = join(folder.path, "locks");
    const counter = join(folder.path, "counter");
    await mkdir(locks);
    await writeFile(counter, "0");
    const ends = await Promise.all([
      runContender([locks, counter, "40"]),
      runContender([locks, counter, "40"]),
      runContender([locks, counter, "10", "die"]),
      runContender([locks, counter, "20", "die"]),
    ]);
    expect(ends).toEqual([undefined, undefined, "SIGKILL", "SIGKILL"]);
    expect(await readFile(counter, "utf8")).toBe("110");
    await new ProcessLocks(locks).sweep();
    expect(await readdir(locks)).toEqual([]);
  });

  test("is had by one caller in a process at a time, in the order of asking", async () => {
    await using folder = await temporaryFolder();
    const locks = new ProcessLocks(folder.path);
    const order: string[] = [];
    await Promise.all(
      ["a", "b", "c"].map(async (name) => {
        const release = await locks.acquire("key");
        order.push(`${name} in`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${name} out`);
        await release();
        await release();
      }),
    );
    expect(order).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"]);
    expect(await locks.isLocked("key")).toBe(false);
  });

  test("of another name is free", async () => {
    await using folder = await temporaryFolder();
    const locks = new ProcessLocks(folder.path);
    const release = await locks.acquire("key");
    await (await locks.acquire("key-2"))();
    expect(await locks.isLocked("key")).toBe(true);
    expect(await locks.isLocked("key-2")).toBe(false);
    await release();
  });

  test("can be waited for until the caller gives up, which harms nobody", async () => {
    await using folder = await temporaryFolder();
    const [locks, others] = [new ProcessLocks(folder.path), new ProcessLocks(folder.path)];
    const release = await locks.acquire("key");
    for (const waiting of [locks, others]) {
      const controller = new AbortController();
      const attempt = waiting.acquire("key", {
        signal: controller.signal,
        onWait: () => controller.abort(),
      });
      await expect(attempt).rejects.toMatchObject({ code: "Cancelled", category: "cancelled" });
    }
    await expect(locks.acquire("key", { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "Cancelled",
    });
    await release();
    await (await locks.acquire("key"))();
    await (await others.acquire("key"))();
    expect(await readdir(folder.path)).toEqual([]);
  });

  test("of a process that reuses a dead holder's number is free", async () => {
    await using folder = await temporaryFolder();
    const file = `key.${process.pid}-00000000t1.${"0".repeat(16)}`;
    await writeFile(join(folder.path, file), "");
    await (await new ProcessLocks(folder.path).acquire("key"))();
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe("a process's identity", () => {
  test("stays the same while it runs and is gone when it ends, even before it is collected", async () => {
    expect(await isAlive(await ownIdentity())).toBe(true);
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    const identity = await identityOf(child.pid ?? 0);
    expect(identity).toBeDefined();
    expect(await isAlive(identity ?? "")).toBe(true);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await isAlive(identity ?? "")).toBe(false);
    expect(await isAlive("whatever")).toBeUndefined();
  });
});
