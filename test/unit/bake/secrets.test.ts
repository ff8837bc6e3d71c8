import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BakeRig } from "./bake-rig.ts";

const mount = "--mount=type=secret,id=token,required";
const text = `FROM base:1\nSNAPSHOT app\nRUN one\nRUN --network=none ${mount} use\n`;
const secrets = new Map([["token", Buffer.from("hunter2")]]);

async function everyFileOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), "utf8")));
  return texts.join("\n");
}

test("a required secret that is not given is a mistake at its mount, before anything runs", async () => {
  await using rig = await BakeRig.create();
  const { outcome, ran } = await rig.bake(text);
  expect(outcome).toMatchObject({
    kind: "invalid",
    diagnostics: [{ code: "SecretNotGiven", severity: "error" }],
  });
  const [diagnostic] = outcome.diagnostics;
  expect(text.slice(diagnostic?.range.start, diagnostic?.range.end)).toBe(mount);
  expect(ran).toEqual([]);
  expect(rig.worker.counts.vmsBooted).toBe(0);
});

test("with this host's own store at hand, no worker is opened to see that a secret is missing", async () => {
  await using rig = await BakeRig.create();
  const { outcome, opened } = await rig.bake(text, {}, { localLayers: rig.localLayers() });
  expect({ kind: outcome.kind, opened }).toEqual({ kind: "invalid", opened: 0 });
});

test("a near name among the given secrets is what was meant", async () => {
  await using rig = await BakeRig.create();
  const { outcome } = await rig.bake(text, {}, { secrets: new Map([["tokn", Buffer.from("x")]]) });
  expect(outcome.diagnostics[0]?.hint).toContain("did you mean tokn?");
});

test("a secret reaches the step that mounts it and stays out of events, snapshots, requests and files", async () => {
  await using rig = await BakeRig.create();
  const { outcome, events } = await rig.bake(text, {}, { secrets });
  expect(outcome.kind).toBe("completed");
  expect(rig.worker.secretsRead).toEqual([{ title: expect.any(String), id: "token", value: "hunter2" }]);
  const { store, lineages } = rig.worker;
  const seen = JSON.stringify([
    events,
    outcome,
    [...store.layers.values()],
    [...store.snapshots.values()],
    lineages.map(({ request }) => request),
  ]);
  expect(seen).not.toContain("hunter2");
  expect(await everyFileOf(rig.home)).not.toContain("hunter2");
});

test("another value of a secret runs nothing again, and a cached step needs none", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(text, {}, { secrets });
  expect((await rig.bake(text, {}, { secrets: new Map([["token", Buffer.from("new")]]) })).ran).toEqual([]);
  expect((await rig.bake(text)).outcome.kind).toBe("completed");
});

test("a secret that is not required and not given is read as none", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(text.replace(",required", ""));
  expect(rig.worker.secretsRead).toMatchObject([{ id: "token", value: null }]);
});
