import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { openLayerStore } from "../../../src/layers/open-layer-store.ts";
import { isLayerKey } from "../../../src/model/identifiers.ts";
import { keyNumber } from "../../support/layer-store-fixture.ts";
import { liveThrough } from "../../support/layer-store-life.ts";
import { expectNoImageErrors } from "../../support/qemu-image-tools.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const child = join(import.meta.dirname, "../../support/layer-store-life.ts");

/** False when the child came to its end. */
async function killAt(root: string, point: number): Promise<boolean> {
  try {
    await promisify(execFile)(process.execPath, [child, root, String(point)]);
    return false;
  } catch (error) {
    if (error instanceof Error && "signal" in error && error.signal === "SIGKILL") return true;
    throw error;
  }
}

/** Opens the store as whoever comes next would, and looks at everything that is in it. */
async function expectValidStore(root: string): Promise<void> {
  const problems: string[] = [];
  const store = await openLayerStore(root, { onDamage: (problem) => problems.push(problem) });
  const keys = (await readdir(join(root, "layers"))).filter(isLayerKey);
  expect([...(await store.find(keys)).keys()]).toEqual(keys);
  for (const key of keys) await expectNoImageErrors(join(root, "layers", key, "disk.qcow2"));
  for (const snapshot of await store.listSnapshots()) {
    if (snapshot.layer !== null) await store.chainOf(snapshot.layer);
  }
  await store.listDebug();
  await (await store.lock("bake"))();
  await store.sweepLeftovers();
  for (const name of ["tmp", "holds", "locks"]) expect(await readdir(join(root, name))).toEqual([]);
  expect((await readdir(join(root, "snapshots"))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  expect(problems).toEqual([]);
}

describe("a process that is killed", () => {
  test("leaves a valid store, wherever it was, and the next one comes to the same end", async () => {
    let point = 0;
    for (; ; point++) {
      await using folder = await temporaryFolder();
      const wasKilled = await killAt(folder.path, point);
      await expectValidStore(folder.path);
      if (!wasKilled) break;
      await liveThrough(folder.path, () => undefined);
      await expectValidStore(folder.path);
      const store = await openLayerStore(folder.path);
      expect((await store.getSnapshot("app")).layer).toBe(keyNumber(2));
      expect([...(await store.find([1, 2, 3].map(keyNumber))).keys()]).toEqual([1, 2].map(keyNumber));
    }
    // Every kind of change came up.
    expect(point).toBeGreaterThan(20);
  }, 300_000);
});

describe("a full disk", () => {
  test("is a failure that says so, and leaves a valid store", async () => {
    let point = 0;
    for (; ; point++) {
      await using folder = await temporaryFolder();
      let seen = 0;
      const life = liveThrough(folder.path, () => {
        if (seen++ === point) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      });
      const failure = await life.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) break;
      const store = await openLayerStore(folder.path);
      const keys = (await readdir(join(folder.path, "layers"))).filter(isLayerKey);
      expect([...(await store.find(keys)).keys()]).toEqual(keys);
      for (const snapshot of await store.listSnapshots()) await store.chainOf(snapshot.layer ?? keyNumber(0));
    }
    expect(point).toBeGreaterThan(20);
  }, 300_000);
});
