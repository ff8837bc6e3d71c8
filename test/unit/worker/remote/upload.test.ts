import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { loadHasher } from "../../../../src/graph/keys/hash.ts";
import type { ContentDigest } from "../../../../src/model/identifiers.ts";
import type { ContextEntry } from "../../../../src/model/step-operation.ts";
import type { ServerActivity } from "../../../../src/worker/remote/calls.ts";
import type { LineageStep } from "../../../../src/worker/worker.ts";
import { FakeWorker } from "../../../support/fake-worker.ts";
import { filesIn } from "../../../support/files-in.ts";
import { startRemoteRig } from "../../../support/remote-rig.ts";
import { copyStep, forever, lineageOf, RecordingClient } from "../contract/contract-rig.ts";
import { testImage } from "./test-image.ts";

const base = { image: testImage, diskSizeMib: 1024 };
const hasher = await loadHasher();

function newWorker(): FakeWorker {
  return new FakeWorker({ images: [testImage.digest] });
}

/** A COPY of a folder with these files. */
function copyFolder(contents: readonly Buffer[]): {
  readonly step: LineageStep;
  readonly sources: Map<ContentDigest, () => Readable>;
} {
  const sources = new Map<ContentDigest, () => Readable>();
  const entries: ContextEntry[] = [{ kind: "directory", path: "", mode: 0o755 }];
  for (const [number, content] of contents.entries()) {
    const digest = hasher.hashBytes(content);
    sources.set(digest, () => Readable.from([content]));
    entries.push({ kind: "file", path: `f${number}`, mode: 0o644, sizeBytes: content.length, digest });
  }
  const step = copyStep({ name: "folder", digest: hasher.hashBytes(Buffer.from("")), sizeBytes: 0 }, null);
  if (step.operation.kind !== "copy") throw new Error("not a copy");
  const source = {
    kind: "context",
    sources: [{ written: ".", kind: "directory", name: "", entries }],
  } as const;
  return { step: { ...step, operation: { ...step.operation, source } }, sources };
}

/** How many calls have begun. */
function callsIn(activity: readonly ServerActivity[]): number {
  let calls = 0;
  let before = 0;
  for (const { requests, lineages, execs } of activity) {
    const now = requests + lineages + execs;
    if (now > before) calls += 1;
    before = now;
  }
  return calls;
}

test("5,000 small files travel in one request, and nothing of them is left afterwards", async () => {
  const fake = newWorker();
  await using rig = await startRemoteRig(fake);
  const contents = Array.from({ length: 5000 }, (_, number) => Buffer.from(`content of file ${number}\n`));
  const { step, sources } = copyFolder(contents);
  const before = callsIn(rig.activity);
  await rig.remote.runLineage(lineageOf(base, [step]), new RecordingClient(sources), forever);
  // What is missing, all contents, the lineage.
  expect(callsIn(rig.activity) - before).toBe(3);
  expect(fake.contents.size).toBe(5000);
  for (const content of contents) expect(fake.contents.get(hasher.hashBytes(content))).toEqual(content);
  expect(await filesIn(rig.spoolFolder)).toEqual([]);
});

test("a lineage without context files is one request", async () => {
  const fake = newWorker();
  await using rig = await startRemoteRig(fake);
  const before = callsIn(rig.activity);
  const { step } = copyFolder([]);
  await rig.remote.runLineage(lineageOf(base, [step]), new RecordingClient(), forever);
  expect(callsIn(rig.activity) - before).toBe(1);
});

test("large files, empty files and the same content twice arrive as they are", async () => {
  const fake = newWorker();
  await using rig = await startRemoteRig(fake);
  const large = Buffer.alloc(9 * 1024 * 1024, "0123456789");
  const contents = [large, Buffer.alloc(0), Buffer.from("twice"), Buffer.from("twice")];
  const { step, sources } = copyFolder(contents);
  await rig.remote.runLineage(lineageOf(base, [step]), new RecordingClient(sources), forever);
  expect(fake.contents.size).toBe(3);
  for (const content of contents) {
    expect(fake.contents.get(hasher.hashBytes(content))?.equals(content)).toBe(true);
  }
});

test("after a failed step its files do not have to be sent again", async () => {
  const fake = newWorker();
  await using rig = await startRemoteRig(fake);
  const { step, sources } = copyFolder([Buffer.from("kept")]);
  fake.script(step.title, { exitCode: 1 });
  const first = await rig.remote.runLineage(lineageOf(base, [step]), new RecordingClient(sources), forever);
  expect(first.kind).toBe("step-failed");
  fake.script(step.title, {});
  // This client has no contents to offer.
  const second = await rig.remote.runLineage(lineageOf(base, [step]), new RecordingClient(), forever);
  expect(second.kind).toBe("completed");
});

test("of two lineages at once that share a file, both get it", async () => {
  const fake = newWorker();
  await using rig = await startRemoteRig(fake);
  const shared = Buffer.from("shared");
  const first = copyFolder([shared]);
  const second = copyFolder([shared]);
  const otherKey = copyStep({ name: "b", digest: hasher.hashBytes(shared), sizeBytes: 6 }, null).key;
  // The second client's file is slow to come: the first lineage ends while it is still being sent.
  const gate = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<Buffer> {
    await gate.promise;
    yield shared;
  }
  const slowSources = new Map(
    [...second.sources.keys()].map((digest) => [digest, () => Readable.from(slow())]),
  );
  const sending = rig.remote.runLineage(
    lineageOf(base, [{ ...second.step, key: otherKey }]),
    new RecordingClient(slowSources),
    forever,
  );
  const ran = await rig.remote.runLineage(
    lineageOf(base, [first.step]),
    new RecordingClient(first.sources),
    forever,
  );
  expect(ran.kind).toBe("completed");
  gate.resolve();
  expect(await sending).toMatchObject({ kind: "completed" });
});

test("a content that was corrupted on its way is refused, and no step runs", async () => {
  const fake = newWorker();
  await using rig = await startRemoteRig(fake);
  for (const sizeBytes of [100, 5 * 1024 * 1024]) {
    const content = Buffer.alloc(sizeBytes, "good");
    const { step, sources } = copyFolder([content]);
    const corrupted = Buffer.from(content);
    corrupted[50] = 0;
    for (const digest of sources.keys()) sources.set(digest, () => Readable.from([corrupted]));
    const running = rig.remote.runLineage(lineageOf(base, [step]), new RecordingClient(sources), forever);
    await expect(running).rejects.toMatchObject({ code: "ContentMismatch", category: "environment" });
  }
  expect(fake.lineages).toEqual([]);
});

test("a file that has grown or shrunk is a changed context", async () => {
  await using rig = await startRemoteRig(newWorker());
  for (const actual of ["longer than it was", "short"]) {
    const { step, sources } = copyFolder([Buffer.from("as it was")]);
    for (const digest of sources.keys()) sources.set(digest, () => Readable.from([Buffer.from(actual)]));
    const running = rig.remote.runLineage(lineageOf(base, [step]), new RecordingClient(sources), forever);
    await expect(running).rejects.toMatchObject({ code: "ContextChanged", category: "usage" });
  }
});

test("a spool without room refuses with what to do", async () => {
  await using rig = await startRemoteRig(newWorker(), { server: { spoolLimitBytes: 1000 } });
  const { step, sources } = copyFolder([Buffer.alloc(2000)]);
  const running = rig.remote.runLineage(lineageOf(base, [step]), new RecordingClient(sources), forever);
  await expect(running).rejects.toMatchObject({
    code: "SpoolFull",
    hint: expect.stringContaining(".lightignore"),
  });
});

test("an upload can be aborted while the client waits for a file", async () => {
  await using rig = await startRemoteRig(newWorker());
  const { step, sources } = copyFolder([Buffer.from("never comes")]);
  const reading = Promise.withResolvers<void>();
  const silent = () => new Readable({ read: () => reading.resolve() });
  for (const digest of sources.keys()) sources.set(digest, silent);
  const abort = new AbortController();
  const running = rig.remote.runLineage(lineageOf(base, [step]), new RecordingClient(sources), abort.signal);
  const refused = expect(running).rejects.toMatchObject({ category: "cancelled" });
  await reading.promise;
  abort.abort();
  await refused;
});

test("an image's bytes and configuration arrive as they were sent", async () => {
  const fake = new FakeWorker();
  await using rig = await startRemoteRig(fake);
  const labels = Object.fromEntries(
    Array.from({ length: 2000 }, (_, number) => [`label-${number}`, "ä".repeat(20)]),
  );
  const image = { ...testImage, configuration: { ...testImage.configuration, labels } };
  const layout = Buffer.alloc(20 * 1024 * 1024, "layout");
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < layout.length; at += 100_000) yield layout.subarray(at, at + 100_000);
  }
  await rig.remote.importImage(image, Readable.from(chunks(), { objectMode: false }), forever);
  expect(fake.store.images.get(image.digest)).toEqual(image);
  expect(fake.layouts.get(image.digest)?.equals(layout)).toBe(true);
});

test("an image whose source breaks fails with the source's own error, and is not imported", async () => {
  const fake = new FakeWorker();
  await using rig = await startRemoteRig(fake);
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(100_000);
    throw new Error("the disk is gone");
  }
  const importing = rig.remote.importImage(testImage, Readable.from(broken()), forever);
  await expect(importing).rejects.toThrow("the disk is gone");
  expect(await rig.remote.findImages([testImage.digest], forever)).toEqual(new Set());
});

test("a worker that refuses an image before it has come is heard", async () => {
  class PickyWorker extends FakeWorker {
    override async importImage(): Promise<never> {
      throw new TypeError("not this one");
    }
  }
  await using rig = await startRemoteRig(new PickyWorker());
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) yield Buffer.alloc(100_000);
  }
  const layout = Readable.from(endless());
  const importing = rig.remote.importImage(testImage, layout, forever);
  await expect(importing).rejects.toMatchObject({ code: "WorkerInternalError" });
  expect(layout.destroyed).toBe(true);
});

test("an aborted import closes a source that has nothing to give yet", async () => {
  await using rig = await startRemoteRig(new FakeWorker());
  const reading = Promise.withResolvers<void>();
  const layout = new Readable({ read: () => reading.resolve() });
  const abort = new AbortController();
  const importing = rig.remote.importImage(testImage, layout, abort.signal);
  const refused = expect(importing).rejects.toMatchObject({ category: "cancelled" });
  await reading.promise;
  abort.abort();
  await refused;
  expect(layout.destroyed).toBe(true);
});
