import { mkdir, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Failure } from "../../src/diagnostics/failure.ts";
import { DiskChain } from "../../src/layers/qcow2/chain.ts";
import { copyChangedClusters } from "../../src/layers/qcow2/copy-clusters.ts";
import { parseHeader } from "../../src/layers/qcow2/header.ts";
import { Qcow2Image } from "../../src/layers/qcow2/image.ts";
import { OverlayWriter } from "../../src/layers/qcow2/overlay-writer.ts";
import { repairImage } from "../../src/layers/qcow2/refcounts.ts";
import { rewriteBacking } from "../../src/layers/qcow2/rewrite-backing.ts";
import { expectBoundedMemory } from "../support/bounded-memory.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

expectBoundedMemory();

const clusterBytes = 65536;
const runs = Number(process.env.FUZZ_RUNS ?? 300);

/** Header, refcount table, L1, two data clusters, their L2, one more, its L2, the refcount block. */
async function makeSeed(folder: string): Promise<Buffer> {
  const path = join(folder, "seed.qcow2");
  const writer = await OverlayWriter.create({
    path,
    backing: { path: "below/disk.raw", format: "raw" },
    sizeBytes: 1024 ** 3,
  });
  await writer.writeData(0, Buffer.alloc(2 * clusterBytes, 1));
  await writer.writeZeros(10 * clusterBytes, 3 * clusterBytes);
  await writer.writeData(600 * 1024 ** 2, Buffer.alloc(clusterBytes, 2));
  await writer.finish(false);
  return readFile(path);
}

interface Mutation {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Bytes that mean something: flags, sizes and offsets that are nearly right, or as wrong as can be. */
const valueArbitrary: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 8 }),
  fc
    .tuple(fc.integer({ min: 0, max: 12 }), fc.constantFrom(0n, 1n << 63n, 1n << 62n, 1n))
    .map(([cluster, flags]) => bigEndian((BigInt(cluster) << 16n) | flags)),
  fc.constantFrom(0n, 1n, 0xffffffffffffffffn, 1n << 40n, 0x7fffffffn).map(bigEndian),
);

function bigEndian(value: bigint): Uint8Array {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt.asUintN(64, value));
  return buffer;
}

const tableClusters = [1, 2, 5, 7, 8];
const positionArbitrary = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 160 }) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(...tableClusters), fc.integer({ min: 0, max: 20 }))
      .map(([cluster, entry]) => cluster * clusterBytes + entry * 8),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 9 * clusterBytes }) },
);

const mutationsArbitrary = fc.record({
  mutations: fc.array(
    fc.record({ position: positionArbitrary, bytes: valueArbitrary }) as fc.Arbitrary<Mutation>,
    { minLength: 1, maxLength: 6 },
  ),
  keptBytes: fc.oneof(
    { weight: 5, arbitrary: fc.constant(2 ** 30) },
    fc.integer({ min: 0, max: 9 * clusterBytes }),
  ),
});

function mutate(seed: Buffer, mutations: readonly Mutation[], keptBytes: number): Buffer {
  const image = Buffer.from(seed.subarray(0, Math.min(keptBytes, seed.length)));
  for (const { position, bytes } of mutations) {
    if (position < image.length) image.set(bytes.subarray(0, image.length - position), position);
  }
  return image;
}

/** Runs it; what it refuses is fine, anything but a refusal is not. */
async function accepts(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof Failure && error.code === "LayerImageRefused") return false;
    throw error;
  }
}

test("a mutated image is read in bounded time and memory, or refused", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const seed = await makeSeed(folder.path);
  await mkdir(at("below"));
  await writeFile(at("below/disk.raw"), "base");
  await writeFile(at("zeros.raw"), "");
  await truncate(at("zeros.raw"), 1024 ** 3);
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(mutationsArbitrary, async ({ mutations, keptBytes }) => {
      const path = at("disk.qcow2");
      await writeFile(path, mutate(seed, mutations, keptBytes));
      const isReadable = await accepts(() => readEverything(path));
      // Work is bounded by the file: nothing that is read can be larger than it, tables apart.
      const flat = at("flat.qcow2");
      await rm(flat, { force: true });
      await rm(at("cut.qcow2"), { force: true });
      const flattened = await accepts(() =>
        copyChangedClusters({
          from: { images: [path], root: null },
          over: { images: [], root: at("zeros.raw") },
          output: { path: flat, backing: null },
        }),
      );
      if (flattened) {
        accepted++;
        expect(isReadable).toBe(true);
        await using result = await Qcow2Image.open(flat);
        expect(result.header.fileLengthBytes).toBeLessThan(seed.length + 8 * clusterBytes);
      }
      await accepts(() =>
        copyChangedClusters({
          from: { images: [path], root: null },
          over: { images: [at("seed.qcow2")], root: null },
          output: { path: at("cut.qcow2"), backing: null },
        }),
      );
      if (await accepts(() => repairImage(path))) {
        expect(await accepts(() => readEverything(path))).toBe(true);
        expect(await repairImage(path)).toBe(false);
        await rewriteBacking(path, null);
      }
    }),
    { numRuns: runs },
  );
  expect(accepted).toBeGreaterThan(0);
}, 3_600_000);

async function readEverything(path: string): Promise<void> {
  await using image = await Qcow2Image.open(path);
  let bytes = 0;
  for await (const extent of image.extents()) bytes += extent.hostOffset === null ? 0 : extent.lengthBytes;
  expect(bytes).toBeLessThanOrEqual(image.header.fileLengthBytes + clusterBytes);
  await using chain = await DiskChain.open({ images: [path], root: null });
  await chain.readAt(0, 1024 ** 2);
  await chain.readAt(600 * 1024 ** 2 - 512, 1024 ** 2);
}

test("random bytes are never taken for a header", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => {
      expect(() => parseHeader(Buffer.from(bytes), bytes.length, "random")).toThrow(Failure);
    }),
    { numRuns: runs },
  );
});

test("an image that claims as much as a header can is refused without reading it", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "disk.qcow2");
  await writeFile(path, await makeSeed(folder.path));
  const file = await open(path, "r+");
  // A sparse file of 64 TiB: its length alone would ask for a gigabyte of bookkeeping.
  const isTruncated = await file.truncate(64 * 1024 ** 4).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "EFBIG") return false;
      throw error;
    },
  );
  await file.close();
  if (isTruncated) expect(await accepts(() => readEverything(path))).toBe(false);
});
