import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Hasher, loadHasher } from "../../../../src/graph/keys/hash.ts";
import { type ContentDigest, contentDigest } from "../../../../src/model/identifiers.ts";
import { frameHeader } from "../../../../src/worker/remote/content-frames.ts";
import { Spool, type SpoolOptions } from "../../../../src/worker/remote/spool.ts";
import { filesIn } from "../../../support/files-in.ts";

let folder = "";
let hasher: Hasher;
let clockMs = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lightbox-spool-"));
  hasher = await loadHasher();
  clockMs = 0;
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function openSpool(changes: Partial<SpoolOptions> = {}): Promise<Spool> {
  return Spool.open({
    folder,
    createHasher: () => hasher.start(),
    limitBytes: 1_000_000_000,
    maxAgeMs: 1000,
    now: () => clockMs,
    ...changes,
  });
}

function digestOf(content: string): ContentDigest {
  return hasher.hashBytes(Buffer.from(content));
}

function frames(...contents: readonly string[]): Buffer {
  const parts = contents.flatMap((content) => {
    const bytes = Buffer.from(content);
    return [frameHeader(hasher.hashBytes(bytes), bytes.length), bytes];
  });
  return Buffer.concat(parts);
}

async function* cut(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

test("contents arrive whole, however the stream is cut", async () => {
  const contents = ["one", "", "three".repeat(100), "\0\xff", ""];
  for (const pieceBytes of [1, 2, 7, 23, 24, 25, 100_000]) {
    const spool = await openSpool();
    await spool.receiveBundle(cut(frames(...contents), pieceBytes));
    const digests = contents.map(digestOf);
    expect(spool.missing(digests, "lease")).toEqual([]);
    const pinned = spool.pin(digests, "lease");
    for (const content of contents) expect(await text(await pinned.open(digestOf(content)))).toBe(content);
    await pinned.release({ used: true });
    await spool.close();
  }
});

test("thousands of contents are one file, and a large one can be read, too", async () => {
  const spool = await openSpool();
  const small = Array.from({ length: 3000 }, (_, number) => `file ${number}`);
  await spool.receiveBundle(cut(frames(...small), 65_536));
  const large = "0123456789abcdef".repeat(200_000);
  await spool.receiveOne(digestOf(large), cut(Buffer.from(large), 65_536));
  expect(await filesIn(folder)).toHaveLength(2);
  const pinned = spool.pin([digestOf(large), digestOf("file 2999")], "lease");
  expect(await text(await pinned.open(digestOf(large)))).toBe(large);
  expect(await text(await pinned.open(digestOf("file 2999")))).toBe("file 2999");
  await pinned.release({ used: false });
  await spool.close();
});

test("contents can be opened in any order", async () => {
  const spool = await openSpool();
  const contents = Array.from({ length: 60 }, (_, number) => `${number}|`.repeat(20_000));
  await spool.receiveBundle(cut(frames(...contents), 65_536));
  const pinned = spool.pin(contents.map(digestOf), "lease");
  const order = contents.map((_, number) => contents[(number * 37) % 60] ?? "");
  for (const content of [...order, ...contents.toReversed()]) {
    expect((await text(await pinned.open(digestOf(content)))) === content).toBe(true);
  }
  await pinned.release({ used: true });
  await spool.close();
});

test("contents can be read whole, many at once and in any order", async () => {
  const spool = await openSpool();
  const contents = ["", ...Array.from({ length: 300 }, (_, number) => `${number}|`.repeat(2_000)), "end"];
  await spool.receiveBundle(cut(frames(...contents), 65_536));
  const pinned = spool.pin(contents.map(digestOf), "lease");
  for (const order of [contents, contents.toReversed(), contents.toSorted()]) {
    const read = await Promise.all(order.map((content) => pinned.read(digestOf(content))));
    expect(read.map(String)).toEqual(order);
  }
  await expect(pinned.read(digestOf("another"))).rejects.toMatchObject({ code: "ContentMissing" });
  await pinned.release({ used: true });
  await spool.close();
});

test("a content that is not what it is called is refused; what came before it is kept", async () => {
  const spool = await openSpool();
  const wrong = contentDigest("0".repeat(32));
  const bytes = Buffer.concat([frames("good"), frameHeader(wrong, 3), Buffer.from("bad"), frames("late")]);
  await expect(spool.receiveBundle(cut(bytes, 10))).rejects.toMatchObject({
    code: "ContentMismatch",
    message: expect.stringContaining(wrong),
  });
  expect(spool.missing([digestOf("good"), wrong, digestOf("bad")], "lease")).toEqual([
    wrong,
    digestOf("bad"),
  ]);
  await expect(spool.receiveOne(wrong, cut(Buffer.from("bad"), 1))).rejects.toMatchObject({
    code: "ContentMismatch",
  });
  await spool.close();
});

test("a stream that ends within a frame is refused and leaves nothing of that content", async () => {
  const spool = await openSpool();
  const whole = frames("first", "second");
  for (const missingBytes of [1, 6, 20, 29]) {
    const part = whole.subarray(0, whole.length - missingBytes);
    await expect(spool.receiveBundle(cut(part, 9))).rejects.toMatchObject({ code: "ContentTruncated" });
    expect(spool.missing([digestOf("second")], "lease")).toHaveLength(1);
  }
  await spool.close();
});

test("more than the limit is refused before it is written, and its space is free again", async () => {
  const spool = await openSpool({ limitBytes: 1000 });
  const announced = frameHeader(digestOf("x"), 1001);
  await expect(spool.receiveBundle(cut(announced, 100))).rejects.toMatchObject({ code: "SpoolFull" });
  const long = "y".repeat(1001);
  await expect(spool.receiveOne(digestOf(long), cut(Buffer.from(long), 100))).rejects.toMatchObject({
    code: "SpoolFull",
  });
  expect(await filesIn(folder)).toEqual([]);
  await spool.receiveBundle(cut(frames("z".repeat(1000)), 100));
  await spool.close();
});

test("contents are dropped after use, except those that another client's lease still wants", async () => {
  const spool = await openSpool();
  const digests = [digestOf("mine"), digestOf("shared")];
  // Both clients have asked before either of them has sent anything.
  expect(spool.missing(digests, "first")).toEqual(digests);
  expect(spool.missing([digestOf("shared")], "second")).toEqual([digestOf("shared")]);
  await spool.receiveBundle(cut(frames("mine", "shared"), 100));
  await spool.receiveBundle(cut(frames("shared"), 100));
  await spool.pin(digests, "first").release({ used: true });
  expect(spool.missing(digests, "third")).toEqual([digestOf("mine")]);
  await spool.pin([digestOf("shared")], "second").release({ used: true });
  await spool.pin([digestOf("shared")], "third").release({ used: true });
  expect(spool.missing(digests, "fourth")).toEqual(digests);
  expect(await filesIn(folder)).toEqual([]);
  await spool.close();
});

test("contents and leases that nobody comes back to go after a while, but never those in use", async () => {
  const spool = await openSpool();
  spool.missing([digestOf("old")], "gone");
  await spool.receiveBundle(cut(frames("used", "old"), 100));
  await spool.receiveBundle(cut(frames("asked for"), 100));
  const pinned = spool.pin([digestOf("used")], "running");
  clockMs = 900;
  spool.missing([digestOf("asked for")], "new");
  clockMs = 1100;
  await spool.dropOld();
  const digests = ["used", "old", "asked for"].map(digestOf);
  expect(spool.missing(digests, "other")).toEqual([digestOf("old")]);
  expect(await text(await pinned.open(digestOf("used")))).toBe("used");
  await spool.close();
});

test("a content that is not there cannot be pinned", async () => {
  const spool = await openSpool();
  expect(() => spool.pin([digestOf("nothing")], "lease")).toThrow(
    expect.objectContaining({ code: "ContentMissing", category: "environment" }),
  );
  await spool.close();
});

test("what a server left behind that is gone is removed, what a running one has is not", async () => {
  // No process has this id: it is above the highest that systems give.
  const left = join(folder, "4194999-left");
  await mkdir(left);
  await writeFile(join(left, "1.pack"), "left over");
  const first = await openSpool();
  await first.receiveBundle(cut(frames("in use"), 100));
  expect(await filesIn(folder)).toHaveLength(1);
  const second = await openSpool();
  expect(await text(await first.pin([digestOf("in use")], "lease").open(digestOf("in use")))).toBe("in use");
  await second.close();
  expect(await filesIn(folder)).toHaveLength(1);
  await first.close();
  expect(await filesIn(folder)).toEqual([]);
});
