import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WorkerIndex } from "../../../src/bake/worker-index.ts";
import { Failure } from "../../../src/diagnostics/failure.ts";
import { FakeWorker } from "../../support/fake-worker.ts";
import { BakeRig, baseDigest, eventsOf, kinds } from "./bake-rig.ts";

const threeSteps = "FROM base:1\nSNAPSHOT app\nRUN one\nRUN two\nRUN three\n";

const sideBySide =
  "FROM base:1 AS a\nRUN left\nFROM base:1 AS b\nRUN right\n" +
  "FROM base:1\nSNAPSHOT app\nCOPY --from=a /x /\nCOPY --from=b /y /\n";

function layerOf(rig: BakeRig, name: string) {
  return rig.worker.store.snapshots.get(name)?.layer;
}

test("a first bake runs every step in one builder and publishes the snapshot", async () => {
  await using rig = await BakeRig.create();
  const { outcome, ran, events } = await rig.bake(threeSteps);
  expect(outcome).toMatchObject({
    kind: "completed",
    snapshotName: "app",
    ranCount: 3,
    cachedCount: 0,
    published: true,
  });
  expect(ran).toEqual(["RUN one", "RUN two", "RUN three"]);
  expect(rig.worker.counts.vmsBooted).toBe(1);
  expect(outcome.kind === "completed" && outcome.layer).toBe(layerOf(rig, "app"));
  expect(kinds(events)[0]).toBe("bake-started");
  expect(kinds(events).at(-1)).toBe("bake-completed");
  expect(eventsOf(events, "layer-sealed")).toHaveLength(3);
});

test("a bake with nothing to do opens no worker", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps);
  const { outcome, opened, events } = await rig.bake(threeSteps);
  expect(opened).toBe(0);
  expect(outcome).toMatchObject({
    kind: "completed",
    ranCount: 0,
    cachedCount: 3,
    published: false,
    savedMs: 3,
  });
  expect(eventsOf(events, "step-cached")).toHaveLength(3);
});

test("editing one line reruns that step and those after it", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps);
  const { ran, outcome } = await rig.bake(threeSteps.replace("RUN two", "RUN zwei"));
  expect(ran).toEqual(["RUN zwei", "RUN three"]);
  expect(outcome).toMatchObject({ kind: "completed", cachedCount: 1, ranCount: 2 });
  expect(rig.worker.counts.findLayersCalls).toBe(2);
});

test("going back to what was baked before runs nothing and moves the name", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps);
  const first = layerOf(rig, "app");
  await rig.bake(threeSteps.replace("RUN three", "RUN drei"));
  expect(layerOf(rig, "app")).not.toBe(first);
  const { ran, events } = await rig.bake(threeSteps);
  expect(ran).toEqual([]);
  expect(layerOf(rig, "app")).toBe(first);
  expect(eventsOf(events, "snapshot-published")).toHaveLength(1);
});

test("a changed configuration publishes again without running anything", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps);
  const { ran, outcome } = await rig.bake(`${threeSteps}LABEL a=b\n`);
  expect(ran).toEqual([]);
  expect(outcome).toMatchObject({ kind: "completed", published: true });
  expect(rig.worker.store.snapshots.get("app")?.configuration.labels).toEqual({ a: "b" });
  expect((await rig.bake(`${threeSteps}LABEL a=b\n`)).opened).toBe(0);
});

test("a copied file that changes reruns its step, and one that is only touched does not", async () => {
  await using rig = await BakeRig.create();
  const text = "FROM base:1\nSNAPSHOT app\nRUN one\nCOPY main.c /src/\nRUN two\n";
  await rig.writeFile("main.c", "int main;");
  await rig.bake(text);
  expect([...rig.worker.contents.values()].map(String)).toEqual(["int main;"]);
  await rig.writeFile("main.c", "int main;");
  expect((await rig.bake(text)).opened).toBe(0);
  await rig.writeFile("main.c", "int other;");
  expect((await rig.bake(text)).ran).toEqual(["COPY main.c /src/", "RUN two"]);
});

test("stages that do not need each other run at the same time", async () => {
  await using rig = await BakeRig.create();
  const left = rig.worker.hold("RUN left");
  const right = rig.worker.hold("RUN right");
  const baking = rig.bake(sideBySide);
  await left.reached;
  await right.reached;
  expect(rig.worker.lineages.map(({ request }) => request.resources.cpus)).toEqual([1, 1]);
  left.release();
  right.release();
  const { outcome, ran } = await baking;
  expect(outcome.kind).toBe("completed");
  expect(ran.slice(2)).toEqual(["COPY --from=a /x /", "COPY --from=b /y /"]);
});

test("a failing step cancels its siblings, leaves the name alone and says where it failed", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(sideBySide);
  const before = layerOf(rig, "app");
  rig.worker.script("RUN wrong", { output: ["compiling\n"], errorOutput: ["no such file"], exitCode: 2 });
  const left = rig.worker.hold("RUN other");
  const broken = sideBySide.replace("RUN left", "RUN other").replace("RUN right", "RUN wrong");
  const hold = rig.worker.hold("RUN wrong");
  const baking = rig.bake(broken);
  await left.reached;
  await hold.reached;
  hold.release();
  const { outcome, events } = await baking;
  expect(outcome).toMatchObject({
    kind: "step-failed",
    failure: {
      title: "RUN wrong",
      reason: { kind: "exit", exitCode: 2 },
      outputTail: ["compiling", "no such file"],
      lightfile: "Lightfile",
      position: { line: 4, column: 1 },
    },
  });
  expect(layerOf(rig, "app")).toBe(before);
  const ends = await Promise.all(rig.worker.lineages.slice(-2).map(({ ended }) => ended));
  expect(ends.map((end) => end.kind).sort()).toEqual(["resolved", "threw"]);
  expect(eventsOf(events, "step-cancelled").map(({ step }) => step)).toHaveLength(3);
  expect(events.at(-1)).toMatchObject({ kind: "bake-completed", outcome: "step-failed", snapshot: null });
});

test.each([
  ["a heredoc script", "<<EOF\nfalse\ntrue\nEOF", true],
  ["one that says how it goes on", "<<EOF\nset +e\nfalse\nEOF", false],
  ["one with an interpreter of its own", "<<EOF\n#!/bin/sh\nfalse\nEOF", false],
  ["a command line", "false", false],
])("where %s fails, it is said that such scripts stop, or not (%j: %s)", async (_, command, isSaid) => {
  await using rig = await BakeRig.create();
  rig.worker.script("setup", { exitCode: 1 });
  const { outcome } = await rig.bake(`FROM base:1\nSNAPSHOT app\nRUN --title=setup ${command}\n`);
  const hint = isSaid ? expect.stringContaining("stops at its first line that fails") : null;
  expect(outcome).toMatchObject({ kind: "step-failed", failure: { hint } });
});

test("the bake after a failure goes on after the last good layer", async () => {
  await using rig = await BakeRig.create();
  rig.worker.script("RUN two", { exitCode: 1 });
  expect((await rig.bake(threeSteps)).outcome.kind).toBe("step-failed");
  expect(rig.worker.store.snapshots.size).toBe(0);
  rig.worker.script("RUN two", {});
  const { ran, outcome } = await rig.bake(threeSteps);
  expect(ran).toEqual(["RUN two", "RUN three"]);
  expect(outcome).toMatchObject({ kind: "completed", cachedCount: 1, ranCount: 2 });
});

test("a failed step's builder is kept on demand, under a name that says whose it is", async () => {
  await using rig = await BakeRig.create();
  rig.worker.script("RUN two", { exitCode: 1 });
  const { outcome } = await rig.bake(threeSteps, { keepFailedBuilder: true, snapshotName: "team/app" });
  expect(outcome).toMatchObject({ failure: { keptBuilder: "debug-team-app-0" } });
});

test("an aborted bake is cancelled, publishes nothing, and is resumed by the next one", async () => {
  await using rig = await BakeRig.create();
  const stop = new AbortController();
  const hold = rig.worker.hold("RUN two");
  const baking = rig.bake(threeSteps, {}, { signal: stop.signal });
  await hold.reached;
  stop.abort();
  const { outcome, events } = await baking;
  expect(outcome).toMatchObject({ kind: "cancelled", ranCount: 1 });
  expect(eventsOf(events, "step-cancelled")).toHaveLength(2);
  expect(rig.worker.store.snapshots.size).toBe(0);
  hold.release();
  expect((await rig.bake(threeSteps)).ran).toEqual(["RUN two", "RUN three"]);
});

test("a bake that is aborted before it starts is cancelled", async () => {
  await using rig = await BakeRig.create();
  const { outcome, opened } = await rig.bake(threeSteps, {}, { signal: AbortSignal.abort() });
  expect(outcome.kind).toBe("cancelled");
  expect(opened).toBe(0);
});

test("a stale index is found out as soon as anything runs, and mended", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps);
  rig.worker = new FakeWorker({ images: [baseDigest], description: { storeId: "another" } });
  const edited = threeSteps.replace("RUN three", "RUN drei");
  const { ran, outcome } = await rig.bake(edited);
  expect(ran).toEqual(["RUN one", "RUN two", "RUN drei"]);
  expect(outcome.kind).toBe("completed");
  expect((await rig.bake(edited)).opened).toBe(0);
  expect((await rig.bake(threeSteps)).ran).toEqual(["RUN three"]);
});

test("layers that were pruned are built again", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps);
  await rig.bake(threeSteps.replace("RUN two", "RUN zwei"));
  await rig.worker.prune(
    { keepStorageBytes: 0, olderThanMs: null, dryRun: false },
    new AbortController().signal,
  );
  rig.worker.store.snapshots.delete("app@previous");
  await rig.worker.prune(
    { keepStorageBytes: 0, olderThanMs: null, dryRun: false },
    new AbortController().signal,
  );
  expect((await rig.bake(threeSteps)).ran).toEqual(["RUN two", "RUN three"]);
});

test.each(["", "{", "[]", '{"version":99}', '{"version":1,"storeId":3}'])(
  "a damaged index (%j) is an empty one",
  async (content) => {
    await using rig = await BakeRig.create();
    await rig.bake(threeSteps);
    await writeFile(rig.indexPath, content);
    const { ran, outcome, opened } = await rig.bake(threeSteps);
    expect({ ran, opened, kind: outcome.kind }).toEqual({ ran: [], opened: 1, kind: "completed" });
    expect((await rig.bake(threeSteps)).opened).toBe(0);
  },
);

test("a layer whose record is another step's is not taken for a hit", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps);
  const index = JSON.parse(await readFile(rig.indexPath, "utf8"));
  index.layers = index.layers.map((line: string) =>
    line.replace(/sha256:[0-9a-f]+/, `sha256:${"0".repeat(64)}`),
  );
  await writeFile(rig.indexPath, JSON.stringify(index));
  for (const [key, layer] of rig.worker.store.layers) {
    rig.worker.store.layers.set(key, { ...layer, summary: { ...layer.summary, record: "another" } });
  }
  const edited = `${threeSteps}LABEL a=b\n`;
  await expect(rig.bake(edited)).rejects.toMatchObject({ code: "LayerKeyCollision" });
  expect(rig.worker.store.snapshots.get("app")?.configuration.labels).toEqual({});
  expect((await rig.bake(edited, { noCache: true })).outcome.kind).toBe("completed");
});

test("a base image that the worker lacks is imported once", async () => {
  await using rig = await BakeRig.create({ images: [] });
  const { events } = await rig.bake(threeSteps);
  expect(String(rig.worker.layouts.get(baseDigest))).toBe("layout of the base");
  expect(eventsOf(events, "base-progress").at(-1)).toMatchObject({ phase: "import", doneBytes: 18 });
  expect(eventsOf(events, "base-imported")).toHaveLength(1);
  await rig.bake(`${threeSteps}RUN four\n`);
  expect(rig.layoutsOpened).toBe(1);
});

test("several steps in one layer are cached by it, and a change goes on from there", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps, { checkpoint: "final" });
  expect(rig.worker.store.layers.size).toBe(1);
  const { outcome, opened } = await rig.bake(threeSteps, { checkpoint: "final" });
  expect(outcome).toMatchObject({ kind: "completed", cachedCount: 3 });
  expect(opened).toBe(0);
  expect((await rig.bake(`${threeSteps}RUN four\n`)).ran).toEqual(["RUN four"]);
});

test("a bake that another one is running takes its layers", async () => {
  await using rig = await BakeRig.create();
  const hold = rig.worker.hold("RUN one");
  const first = rig.bake(threeSteps);
  await hold.reached;
  const second = rig.bake(
    threeSteps,
    {},
    {
      onEvent: (event) => {
        if (event.kind === "step-waiting") hold.release();
      },
    },
  );
  const outcomes = [(await first).outcome, (await second).outcome];
  expect(outcomes.map(({ kind }) => kind)).toEqual(["completed", "completed"]);
  expect(rig.worker.stepsRun.filter((title) => title === "RUN one")).toHaveLength(1);
  const taken = eventsOf((await second).events, "step-cached");
  expect(taken[0]).toMatchObject({ source: "other-bake" });
});

test("--no-cache runs every step again, and later bakes stand on what it made", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps);
  const before = layerOf(rig, "app");
  const { ran } = await rig.bake(threeSteps, { noCache: true });
  expect(ran).toEqual(["RUN one", "RUN two", "RUN three"]);
  const after = layerOf(rig, "app");
  expect(after).not.toBe(before);
  const again = await rig.bake(threeSteps);
  expect({ opened: again.opened, layer: layerOf(rig, "app") }).toEqual({ opened: 0, layer: after });
});

test("a --no-cache bake that failed is resumed on the same ground", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps);
  rig.worker.script("RUN three", { exitCode: 1 });
  await rig.bake(threeSteps, { noCache: true });
  rig.worker.script("RUN three", {});
  expect((await rig.bake(threeSteps)).ran).toEqual(["RUN three"]);
});

test("--no-cache reaches stages that are copied from and built upon", async () => {
  await using rig = await BakeRig.create();
  const text = "FROM base:1 AS a\nRUN one\nFROM a AS b\nRUN two\nFROM base:1\nCOPY --from=b /x /\n";
  await rig.bake(text);
  const { ran, outcome } = await rig.bake(text, { noCache: true });
  expect(ran).toEqual(["RUN one", "RUN two", "COPY --from=b /x /"]);
  expect(outcome.kind).toBe("completed");
  expect((await rig.bake(text)).opened).toBe(0);
});

test("mistakes of the Lightfile are an outcome, located, and nothing is opened", async () => {
  await using rig = await BakeRig.create();
  const { outcome, opened, events } = await rig.bake("FROM base:1\nRNU make\nCOPY missing\n");
  expect(outcome.kind).toBe("invalid");
  expect(opened).toBe(0);
  const codes = outcome.diagnostics.map(({ code }) => code);
  expect(codes.length).toBeGreaterThanOrEqual(2);
  expect(codes).toContain("UnknownInstruction");
  expect(eventsOf(events, "diagnostic")).toHaveLength(codes.length);
});

test("the file's own check directive leaves warnings out, or makes them mistakes", async () => {
  await using rig = await BakeRig.create();
  const text = "FROM base:1\nLABEL a=$NOBODY\nCOPY *.none /x/\nRUN one\n";
  const plain = await rig.bake(text);
  expect(plain.outcome.diagnostics.map(({ code }) => code)).toEqual([
    "UndefinedVar",
    "WildcardMatchesNothing",
  ]);
  const skipping = await rig.bake(`# check=skip=UndefinedVar\n${text}`);
  expect(skipping.outcome.kind).toBe("completed");
  expect(skipping.outcome.diagnostics.map(({ code }) => code)).toEqual(["WildcardMatchesNothing"]);
  const strict = await rig.bake(`# check=skip=UndefinedVar;error=true\n${text}`);
  expect(strict.outcome).toMatchObject({
    kind: "invalid",
    diagnostics: [{ code: "WildcardMatchesNothing", severity: "error" }],
  });
  expect(eventsOf(strict.events, "diagnostic")).toHaveLength(1);
});

test("every base that does not exist is reported at its FROM", async () => {
  await using rig = await BakeRig.create();
  rig.unknownImages.add("nope:1").add("nope:2");
  const { outcome } = await rig.bake("FROM nope:1 AS a\nFROM nope:2\nCOPY --from=a /x /\n");
  expect(outcome.kind).toBe("invalid");
  expect(outcome.diagnostics).toMatchObject([
    { code: "ImageNotFound", range: { start: 5, end: 11 } },
    { code: "ImageNotFound" },
  ]);
});

test("a missing COPY source is found before anything runs", async () => {
  await using rig = await BakeRig.create();
  const { outcome, opened } = await rig.bake("FROM base:1\nRUN one\nCOPY missing.c /\n");
  expect(outcome.kind).toBe("invalid");
  expect(opened).toBe(0);
});

test("trouble with the worker is thrown, and the other lineages have ended by then", async () => {
  await using rig = await BakeRig.create();
  const trouble = new Failure({ code: "WorkerLost", category: "environment", message: "gone" });
  rig.worker.script("RUN left", { trouble });
  const hold = rig.worker.hold("RUN right");
  const baking = rig.bake(sideBySide);
  await expect(baking).rejects.toBe(trouble);
  const ends = await Promise.all(rig.worker.lineages.map(({ ended }) => ended));
  expect(ends.map(({ kind }) => kind)).toEqual(["threw", "threw"]);
  hold.release();
});

test("a target without steps publishes the bare image", async () => {
  await using rig = await BakeRig.create();
  const { outcome } = await rig.bake("FROM base:1\nSNAPSHOT plain\nENV A=1\n");
  expect(outcome).toMatchObject({ kind: "completed", layer: null, published: true });
  expect(rig.worker.store.snapshots.get("plain")?.configuration.environment).toMatchObject({ A: "1" });
});

test("a name that no snapshot can have is refused", async () => {
  await using rig = await BakeRig.create();
  await expect(rig.bake(threeSteps, { snapshotName: "../x" })).rejects.toMatchObject({
    code: "InvalidSnapshotName",
  });
});

test("where the worker's store is on this host, it is read instead of the index", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps);
  await rm(rig.indexPath);
  const { opened, outcome } = await rig.bake(threeSteps, {}, { localLayers: rig.localLayers() });
  expect({ opened, kind: outcome.kind }).toEqual({ opened: 0, kind: "completed" });
  rig.worker.store.removeSnapshot("app");
  expect((await rig.bake(threeSteps, {}, { localLayers: rig.localLayers() })).opened).toBe(1);
  expect(layerOf(rig, "app")).toBeDefined();
});

test("a home that cannot be written stops a --no-cache bake only", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(threeSteps);
  await rm(join(rig.home, "history"), { recursive: true });
  await rm(join(rig.home, "index"), { recursive: true });
  await writeFile(join(rig.home, "history"), "");
  await writeFile(join(rig.home, "index"), "");
  expect((await rig.bake(`${threeSteps}RUN four\n`)).outcome.kind).toBe("completed");
  await expect(rig.bake(threeSteps, { noCache: true })).rejects.toMatchObject({
    code: "ClientFileUnwritable",
  });
});

test("a worker of another platform than planned for runs nothing, and is known from then on", async () => {
  await using rig = await BakeRig.create({ description: { platform: "linux/arm64" } });
  await expect(rig.bake("FROM base:1\nRUN x\n")).rejects.toMatchObject({
    code: "WorkerPlatformDiffers",
    category: "environment",
  });
  expect(rig.worker.stepsRun).toEqual([]);
  expect((await WorkerIndex.load(rig.home, "fake")).platform).toBe("linux/arm64");
  const { outcome } = await rig.bake("FROM base:1\nRUN x\n", { platform: "linux/arm64" });
  expect(outcome.kind).toBe("completed");
});
