import { execFile } from "node:child_process";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { compressionOf, decompress, zstdDecompressor } from "../../../src/archives/compression.ts";
import { packedArchives } from "../../support/packed-archives.ts";

/** Runs in plain Node.js: what reads CommonJS packages in another way, as Vitest does, hides what it cannot import. */
const unpackingScript = `
  import { Readable } from "node:stream";
  import { buffer } from "node:stream/consumers";
  import { compressionOf, decompress } from ${JSON.stringify(new URL("../../../src/archives/compression.ts", import.meta.url).href)};
  const packed = Buffer.from(process.argv[1], "base64");
  const tar = await buffer(await decompress(Readable.from([packed]), compressionOf(packed)));
  console.log(JSON.stringify([tar.length, tar.toString("latin1", 0, 5), tar.toString("latin1", 512, 518)]));`;

const text = Buffer.from("the same line\n".repeat(500));

describe("an archive's compression", () => {
  test.each([
    ["gzip", gzipSync(text)],
    ["zstd", zstdCompressSync(text)],
  ] as const)("%s is told by its first bytes and read", async (name, packed) => {
    expect(compressionOf(packed)).toBe(name);
    expect((await buffer(await decompress(Readable.from([packed]), name))).equals(text)).toBe(true);
  });

  test.each(["xz", "bzip2"] as const)("%s is read by plain Node.js", async (name) => {
    const packed = packedArchives[name];
    expect(compressionOf(Buffer.from(packed, "base64"))).toBe(name);
    const { stdout } = await promisify(execFile)(process.execPath, [
      "--input-type=module",
      "--eval",
      unpackingScript,
      packed,
    ]);
    expect(JSON.parse(stdout)).toEqual([10_240, "a.txt", "hello\n"]);
  });

  test("zstd is refused with an explanation where Node.js cannot read it", () => {
    expect(() => zstdDecompressor({})).toThrow(
      expect.objectContaining({ code: "ZstdNotSupported", category: "environment" }),
    );
  });
});
