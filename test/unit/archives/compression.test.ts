import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { compressionOf, decompress, zstdDecompressor } from "../../../src/archives/compression.ts";

const text = Buffer.from("the same line\n".repeat(500));

describe("an archive's compression", () => {
  test.each([
    ["gzip", gzipSync(text)],
    ["zstd", zstdCompressSync(text)],
  ] as const)("%s is told by its first bytes and read", async (name, packed) => {
    expect(compressionOf(packed)).toBe(name);
    expect((await buffer(await decompress(Readable.from([packed]), name))).equals(text)).toBe(true);
  });

  test("zstd is refused with an explanation where Node.js cannot read it", () => {
    expect(() => zstdDecompressor({})).toThrow(
      expect.objectContaining({ code: "ZstdNotSupported", category: "environment" }),
    );
  });
});
