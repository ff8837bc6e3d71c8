import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BakeRig, BakeRun } from "./bake-rig.ts";

/** All that a bake leaves where others may read it: what it says, what it stores and sends, and the client's files. */
export async function tracesOf(rig: BakeRig, { events, outcome }: BakeRun): Promise<string> {
  const { store, lineages } = rig.worker;
  const said = JSON.stringify([
    events,
    outcome,
    [...store.layers.values()],
    [...store.snapshots.values()],
    lineages.map(({ request }) => request),
  ]);
  const entries = await readdir(rig.home, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), "utf8")));
  return [said, ...texts].join("\n");
}
