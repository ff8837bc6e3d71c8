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

const fullDiskChild = join(import.meta.dirname, "../../support/full-disk-life.ts");

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
  // A volume is there with its labels, or not at all.
  for (const volume of await store.volumes.list()) expect(volume.labels).toEqual({ tier: "ci" });
  await store.listDebug();
  await (await store.lock("bake"))();
  await store.sweepLeftovers();
  for (const name of ["tmp", "holds", "locks"]) expect(await readdir(join(root, name))).toEqual([]);
  expect((await readdir(join(root, "snapshots"))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  expect(problems).toEqual([]);
}

const canMountHere = await canMount();

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
      expect((await store.volumes.list()).map(({ name }) => name)).toEqual(["kept"]);
      expect([...(await store.find([1, 2, 3].map(keyNumber))).keys()]).toEqual([1, 2].map(keyNumber));
    }
    // Every kind of change came up.
    expect(point).toBeGreaterThan(20);
  }, 300_000);
});

describe("a full disk", () => {
  test("at any point is a failure that says so, and leaves a valid store", async () => {
    let points = 0;
    for (let point = 0; ; point++) {
      await using folder = await temporaryFolder();
      let seen = 0;
      let inStore = false;
      const life = liveThrough(folder.path, (name) => {
        if (seen++ !== point) return;
        inStore = name.includes(":");
        throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      });
      const error = await life.then(
        () => undefined,
        (failure: unknown) => failure,
      );
      if (error === undefined) break;
      if (inStore) expect(error).toMatchObject({ code: "NoSpaceLeft", category: "environment" });
      if (inStore) points++;
      const store = await openLayerStore(folder.path);
      const keys = (await readdir(join(folder.path, "layers"))).filter(isLayerKey);
      expect([...(await store.find(keys)).keys()]).toEqual(keys);
      for (const snapshot of await store.listSnapshots()) await store.chainOf(snapshot.layer ?? keyNumber(0));
    }
    expect(points).toBeGreaterThan(15);
  }, 300_000);

  // Needs a namespace of its own to mount a small filesystem in; the test above needs nothing.
  test.runIf(canMountHere)(
    "that is really full does the same",
    async () => {
      await using folder = await temporaryFolder();
      const outcomes = new Set<string>();
      for (let freeKib = 0; freeKib <= 800; freeKib += 100) {
        const script = `mount -t tmpfs -o size=4m full "$1" && exec "$2" "$3" "$1" ${freeKib * 1024}`;
        const argv = ["-rm", "sh", "-ec", script, "sh", folder.path, process.execPath, fullDiskChild];
        const { stdout } = await promisify(execFile)("unshare", argv);
        outcomes.add(stdout);
      }
      expect(outcomes).toEqual(new Set(["NoSpaceLeft", "done"]));
    },
    300_000,
  );
});

async function canMount(): Promise<boolean> {
  await using folder = await temporaryFolder();
  try {
    await promisify(execFile)("unshare", ["-rm", "mount", "-t", "tmpfs", "full", folder.path]);
    return true;
  } catch (error) {
    // Not allowed to (an exit code), or no such tool (a text).
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
