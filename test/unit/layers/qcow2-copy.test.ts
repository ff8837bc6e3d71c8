import { open, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChainRequest, DiskChain } from "../../../src/layers/qcow2/chain.ts";
import { copyChangedClusters } from "../../../src/layers/qcow2/copy-clusters.ts";
import { Qcow2Image } from "../../../src/layers/qcow2/image.ts";
import { createOverlay } from "../../../src/layers/qcow2/overlay-writer.ts";
import { collect } from "../../support/collect.ts";
import { expectNoImageErrors, expectSameDisk, qemuImg, qemuIo } from "../../support/qemu-image-tools.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const mib = 1024 ** 2;
const sizeBytes = 1024 * mib;
/** Where the random writes go: around the start, and around the end of the first L2 table. */
const windows = [0, 510 * mib];
const windowBytes = 4 * mib;

interface Write {
  readonly layer: number;
  readonly kind: "write -P" | "write -z" | "write -z -u" | "discard";
  readonly offset: number;
  readonly lengthBytes: number;
  readonly pattern: number;
}

const sectors = windowBytes / 512;
const writeArbitrary: fc.Arbitrary<Write> = fc
  .record({
    layer: fc.integer({ min: 0, max: 2 }),
    kind: fc.constantFrom<Write["kind"][]>(
      "write -P",
      "write -P",
      "write -P",
      "write -z",
      "write -z -u",
      "discard",
    ),
    window: fc.constantFrom(...windows),
    sector: fc.integer({ min: 0, max: sectors - 1 }),
    length: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 3000 })),
    isAligned: fc.boolean(),
    // Few patterns, so that writes that change nothing turn up, too.
    pattern: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ layer, kind, window, sector, length, isAligned, pattern }) => {
    const unit = isAligned ? 128 : 1;
    const start = Math.floor(sector / unit) * unit;
    const count = Math.min(Math.ceil(length / unit) * unit, sectors - start);
    return { layer, kind, offset: window + start * 512, lengthBytes: count * 512, pattern };
  });

function command(write: Write): string {
  const pattern = write.kind === "write -P" ? ` ${write.pattern}` : "";
  return `${write.kind}${pattern} ${write.offset} ${write.lengthBytes}`;
}

/** Three overlays over a raw disk, written to by qemu-io. */
async function makeChain(folder: string, writes: readonly Write[]): Promise<ChainRequest> {
  const root = join(folder, "disk.raw");
  await writeFile(root, Buffer.alloc(3 * mib, 2));
  await truncate(root, sizeBytes);
  const images: string[] = [];
  for (let layer = 0; layer < 3; layer++) {
    const path = join(folder, `${layer}.qcow2`);
    const backing =
      layer === 0
        ? { path: "disk.raw", format: "raw" as const }
        : { path: `${layer - 1}.qcow2`, format: "qcow2" as const };
    await createOverlay({ path, backing, sizeBytes });
    const commands = writes.filter((write) => write.layer === layer).map(command);
    if (commands.length > 0) await qemuIo(path, commands);
    images.unshift(path);
  }
  return { images, root };
}

describe("chains of random writes", () => {
  test("are read as qemu-img reads them, and merged or cut apart without a difference", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(writeArbitrary, { minLength: 1, maxLength: 25 }), async (writes) => {
        await using folder = await temporaryFolder();
        const at = (name: string) => join(folder.path, name);
        const chain = await makeChain(folder.path, writes);
        const [newest = "", , oldest = ""] = chain.images;

        await qemuImg("convert", "-O", "raw", newest, at("all.raw"));
        await expectReadsLike(chain, at("all.raw"));

        const raw = { path: "disk.raw", format: "raw" as const };
        await copyChangedClusters({
          from: chain,
          over: { images: [], root: chain.root },
          output: { path: at("flat.qcow2"), backing: raw },
        });
        await expectNoImageErrors(at("flat.qcow2"));
        await expectSameDisk(at("flat.qcow2"), newest);

        const part = { path: "0.qcow2", format: "qcow2" as const };
        await copyChangedClusters({
          from: chain,
          over: { images: [oldest], root: chain.root },
          output: { path: at("cut.qcow2"), backing: part },
        });
        await expectNoImageErrors(at("cut.qcow2"));
        await expectSameDisk(at("cut.qcow2"), newest);

        // The other way round: what the newer layers did has to be undone.
        const top = { path: "2.qcow2", format: "qcow2" as const };
        await copyChangedClusters({
          from: { images: [oldest], root: chain.root },
          over: chain,
          output: { path: at("undone.qcow2"), backing: top },
        });
        await expectSameDisk(at("undone.qcow2"), oldest);
      }),
      { numRuns: Number(process.env.QCOW2_RUNS ?? 12) },
    );
  }, 120_000);
});

async function expectReadsLike(chain: ChainRequest, rawPath: string): Promise<void> {
  await using disk = await DiskChain.open(chain);
  const raw = await open(rawPath);
  for (const window of windows) {
    const expected = Buffer.alloc(windowBytes);
    await raw.read(expected, 0, windowBytes, window);
    expect((await disk.readAt(window, windowBytes)).equals(expected)).toBe(true);
    const inside = await disk.readAt(window + 1000, 100_001);
    expect(inside.equals(expected.subarray(1000, 101_001))).toBe(true);
  }
  await raw.close();
}

const noWrites: readonly Write[] = [];

describe("cutting a layer", () => {
  test("leaves out clusters that were written with what was there", async () => {
    await using folder = await temporaryFolder();
    const chain = await makeChain(folder.path, noWrites);
    const [newest = "", middle = ""] = chain.images;
    // Pattern 2 is what the raw disk has there.
    await qemuIo(newest, ["write -P 2 0 1M", "write -P 5 2M 64k", "write -P 0 900M 64k"]);
    const cut = join(folder.path, "cut.qcow2");
    await copyChangedClusters({
      from: chain,
      over: { images: [middle], root: chain.root },
      output: { path: cut, backing: null },
    });
    await using image = await Qcow2Image.open(cut);
    const extents = await collect(image.extents());
    expect(extents).toMatchObject([{ guestOffset: 2 * mib, lengthBytes: 65536 }]);
  });

  test("stores clusters of zeros without their bytes", async () => {
    await using folder = await temporaryFolder();
    const chain = await makeChain(folder.path, noWrites);
    await qemuIo(chain.images[0] ?? "", ["write -P 0 0 1M"]);
    const cut = join(folder.path, "cut.qcow2");
    await copyChangedClusters({
      from: chain,
      over: { images: [], root: chain.root },
      output: { path: cut, backing: null },
    });
    await using image = await Qcow2Image.open(cut);
    expect(await collect(image.extents())).toEqual([{ guestOffset: 0, lengthBytes: mib, hostOffset: null }]);
  });

  test("stops when it is cancelled", async () => {
    await using folder = await temporaryFolder();
    const chain = await makeChain(folder.path, noWrites);
    await qemuIo(chain.images[0] ?? "", ["write -P 1 0 8M"]);
    const request = {
      from: chain,
      over: { images: [], root: chain.root },
      output: { path: join(folder.path, "cut.qcow2"), backing: null },
      signal: AbortSignal.abort(),
    };
    await expect(copyChangedClusters(request)).rejects.toMatchObject({ code: "Cancelled" });
  });
});

describe("reading a chain", () => {
  test("gives zeros behind the end of the disk, and refuses absurd lengths", async () => {
    await using folder = await temporaryFolder();
    await using disk = await DiskChain.open(await makeChain(folder.path, noWrites));
    expect(await disk.readAt(sizeBytes - 10, 20)).toEqual(Buffer.alloc(20));
    await expect(disk.readAt(0, 2 ** 40)).rejects.toThrow(RangeError);
    await expect(disk.readAt(-1, 1)).rejects.toThrow(RangeError);
  });

  test("refuses layers of different sizes", async () => {
    await using folder = await temporaryFolder();
    const at = (name: string) => join(folder.path, name);
    await createOverlay({ path: at("small"), backing: null, sizeBytes: mib });
    await createOverlay({ path: at("large"), backing: null, sizeBytes: 2 * mib });
    await expect(DiskChain.open({ images: [at("large"), at("small")], root: null })).rejects.toMatchObject({
      code: "LayerImageRefused",
    });
  });
});
