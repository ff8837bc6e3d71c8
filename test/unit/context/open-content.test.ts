import { execFileSync } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { buffer, text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { openContent } from "../../../src/context/open-content.ts";
import type { ContentDigest } from "../../../src/model/identifiers.ts";
import { ContextRig } from "../../support/context-rig.ts";

async function opened(rig: ContextRig, ...lines: readonly string[]) {
  const { inputs, contentPaths } = await rig.resolve(lines);
  const digests = [...inputs.values()]
    .flat()
    .flatMap((source) => source.entries.flatMap((entry) => (entry.kind === "file" ? [entry.digest] : [])));
  const open = (digest: ContentDigest | undefined) => {
    if (digest === undefined) throw new Error("nothing was selected");
    return openContent(contentPaths, digest);
  };
  return { digests, open };
}

test("gives the bytes of files and heredocs", async () => {
  const large = "line\n".repeat(500_000);
  await using rig = await ContextRig.create({ "d/large": large, "d/empty": "" });
  const { digests, open } = await opened(rig, "COPY d /x/", "COPY <<EOF /y", "bödy", "EOF");
  const contents = await Promise.all(digests.map(async (digest) => text(await open(digest))));
  expect(contents).toEqual(["", large, "bödy\n"]);
});

test("fails with ContextChanged when the bytes changed, at the latest at the end of the stream", async () => {
  await using rig = await ContextRig.create({ a: "old" });
  const { digests, open } = await opened(rig, "COPY a /x");
  await writeFile(rig.path("a"), "new");
  const stream = await open(digests[0]);
  await expect(buffer(stream)).rejects.toMatchObject({ code: "ContextChanged", category: "usage" });
});

test("fails with ContextChanged when the file is gone, or is no file any more", async () => {
  await using rig = await ContextRig.create({ a: "1" });
  const { digests, open } = await opened(rig, "COPY a /x");
  await rm(rig.path("a"));
  await expect(open(digests[0])).rejects.toMatchObject({ code: "ContextChanged" });
  await rig.write({ a: { link: "/etc/hostname" } });
  await expect(open(digests[0])).rejects.toMatchObject({ code: "ContextChanged" });
  await rm(rig.path("a"));
  execFileSync("mkfifo", [rig.path("a")]);
  await expect(open(digests[0])).rejects.toMatchObject({ code: "ContextChanged" });
});

test("a stream that its reader gives up does not keep the file open", async () => {
  await using rig = await ContextRig.create({ a: "x".repeat(10_000_000) });
  const { digests, open } = await opened(rig, "COPY a /x");
  for (let round = 0; round < 50; round += 1) {
    const stream = await open(digests[0]);
    for await (const _chunk of stream) break;
    expect(stream.destroyed).toBe(true);
  }
});
