import { writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { ContextRig } from "../../support/context-rig.ts";

/** A tar with the file hello.txt, and a text, by programs of their own. */
const compressed = {
  "tar.bz2":
    "QlpoOTFBWSZTWUvnRMoAAHp7kMmQAERAAXcAAIBiRJ5ABAAACCAAVCUkaANM0QNNqCSUyNDQ0AeoDnzTjBCCVaQkUjRjN53SQIYT1A1IIRs+LhLye2u7pY0cL4Nz6VChMqq2eM1mjJEQPxdyRThQkEvnRMo=",
  "tar.xz":
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Cf/AG1dADQZSe6N8LrI/5v/8gxprxHrY1SJJZ2XS5ov1nzg2gO0oIcT963lrETv7VM72sG/nuihT8wHkrsb6g4TKU8yMMPSsq9MQwedng24zF2EMIoV8O9ek+NjvHt6JE4qQyl5dcaYvH/glOIO/1VSUwAAAAAAVuBh1vIbxhQAAYkBgFAAAPYgb0axxGf7AgAAAAAEWVo=",
  "text.bz2": "QlpoOTFBWSZTWdPJPw4AAAHRgAAQQAACEA5AIAAiBpp6EMCHeeDCC7kinChIaeSfhwA=",
  "text.xz":
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AfPABxdADUdSrHyQXej89FrmP3xbkVXBgqYghT7jD7AswAAYlUisAB98dYAATjQDwAAABI+6vqxxGf7AgAAAAAEWVo=",
};

async function tar(): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: "hello.txt" }, "hello\n");
  archive.finalize();
  return buffer(archive);
}

async function rigWith(files: Readonly<Record<string, Uint8Array>>): Promise<ContextRig> {
  const rig = await ContextRig.create();
  for (const [name, bytes] of Object.entries(files)) await writeFile(rig.path(name), bytes);
  return rig;
}

async function kindOf(rig: ContextRig, line: string): Promise<readonly string[]> {
  const { inputs, diagnostics } = await rig.resolve([line]);
  expect(diagnostics).toEqual([]);
  return [...inputs.values()].flat().map((source) => source.kind);
}

describe("ADD unpacks", () => {
  test("a tar, plain or compressed, told by its content and not by its name", async () => {
    const plain = await tar();
    await using rig = await rigWith({
      plain,
      gzip: gzipSync(plain),
      zstd: zstdCompressSync(plain),
      bzip2: Buffer.from(compressed["tar.bz2"], "base64"),
      xz: Buffer.from(compressed["tar.xz"], "base64"),
    });
    for (const name of ["plain", "gzip", "zstd", "bzip2", "xz"]) {
      expect([name, ...(await kindOf(rig, `ADD ${name} /x/`))]).toEqual([name, "archive"]);
    }
  });

  test("not what is compressed and no tar, what is damaged, empty or only looks like one", async () => {
    const plain = await tar();
    const noTar = Buffer.from(plain);
    noTar[0] = 0;
    await using rig = await rigWith({
      "text.tar.gz": gzipSync("just text"),
      "text.bz2": Buffer.from(compressed["text.bz2"], "base64"),
      "text.xz": Buffer.from(compressed["text.xz"], "base64"),
      "cut.gz": gzipSync(plain).subarray(0, 20),
      "cut.xz": Buffer.from(compressed["tar.xz"], "base64").subarray(0, 20),
      "cut.bz2": Buffer.from(compressed["tar.bz2"], "base64").subarray(0, 20),
      "magic.zst": Buffer.from("28b52ffd00", "hex"),
      "wrong-sum.tar": noTar,
      "zeros.tar": Buffer.alloc(1024),
      empty: Buffer.alloc(0),
    });
    const { inputs } = await rig.resolve(["ADD . /x/"]);
    const names = [...inputs.values()]
      .flat()[0]
      ?.entries.map(({ path }) => path)
      .filter((path) => path !== "");
    expect(names).toHaveLength(10);
    for (const name of names ?? []) {
      expect([name, ...(await kindOf(rig, `ADD ${name} /x/`))]).toEqual([name, "file"]);
    }
  });

  test("unless it is told not to; COPY never does", async () => {
    await using rig = await rigWith({ a: await tar() });
    expect(await kindOf(rig, "ADD --unpack=false a /x/")).toEqual(["file"]);
    expect(await kindOf(rig, "COPY a /x/")).toEqual(["file"]);
    expect(await kindOf(rig, "ADD --unpack a /x/")).toEqual(["archive"]);
  });
});
