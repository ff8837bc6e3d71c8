import { lstatSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ignoreNothing } from "../../../src/context/context-ignore.ts";
import { ContextTree } from "../../../src/context/context-tree.ts";
import { ContextTrouble, readTrouble } from "../../../src/context/context-trouble.ts";
import { fileFacts } from "../../../src/context/file-facts.ts";
import { hashFiles } from "../../../src/context/hash-files.ts";
import type { FileNode } from "../../../src/context/tree-node.ts";
import { loadHasher } from "../../../src/graph/keys/hash.ts";
import { ContextRig } from "../../support/context-rig.ts";

const hasher = await loadHasher();

function nodeOf(rig: ContextRig, path: string): FileNode {
  return { kind: "file", path, facts: fileFacts(lstatSync(rig.path(path))), digest: null };
}

async function hash(rig: ContextRig, ...nodes: readonly FileNode[]): Promise<void> {
  await hashFiles(nodes, {
    tree: new ContextTree(rig.directory, ignoreNothing),
    hasher,
    statCache: await rig.openStatCache(),
    signal: new AbortController().signal,
  });
}

test("files of any size get the digest of their bytes", async () => {
  const large = "0123456789abcdef".repeat(400_000);
  await using rig = await ContextRig.create({ empty: "", small: "x", large });
  const nodes = ["empty", "small", "large"].map((path) => nodeOf(rig, path));
  await hash(rig, ...nodes);
  expect(nodes.map((node) => node.digest)).toEqual(
    ["", "x", large].map((text) => hasher.hashBytes(Buffer.from(text))),
  );
});

test("a file that changed since it was selected is told, and so is one that is gone or became a link", async () => {
  await using rig = await ContextRig.create({ grown: "1", gone: "2", link: "3", kept: "4" });
  const nodes = ["grown", "gone", "link", "kept"].map((path) => nodeOf(rig, path));
  await writeFile(rig.path("grown"), "12");
  await rm(rig.path("gone"));
  await rm(rig.path("link"));
  await rig.write({ link: { link: "kept" } });
  await hash(rig, ...nodes);
  expect(
    nodes.map(({ digest }) => (digest instanceof ContextTrouble ? digest.message : typeof digest)),
  ).toEqual([
    "grown changed while it was read",
    "gone changed while it was read",
    "link changed while it was read",
    "string",
  ]);
});

test("what the system says becomes trouble that names the path; a bug stays a bug", () => {
  const withCode = (code: string) => Object.assign(new Error(code), { code });
  expect(readTrouble("a", withCode("EACCES"))).toMatchObject({
    code: "UnreadableSource",
    message: expect.stringContaining("a cannot be read: permission denied"),
  });
  expect(readTrouble("", withCode("EPERM"))).toMatchObject({
    message: expect.stringContaining("the context directory"),
  });
  expect(readTrouble("a\uFFFD", withCode("ENOENT"))).toMatchObject({ code: "UnsupportedFileName" });
  const bug = new TypeError("x is not a function");
  expect(readTrouble("a", bug)).toBe(bug);
});

test("a file that the stat cache knows is not opened", async () => {
  await using rig = await ContextRig.create({ a: "1" });
  const node = nodeOf(rig, "a");
  const statCache = await rig.openStatCache(10_000);
  const digest = hasher.hashBytes(Buffer.from("only the cache says so"));
  statCache.record("a", node.facts, digest);
  await rm(rig.path("a"));
  const tree = new ContextTree(rig.directory, ignoreNothing);
  await hashFiles([node], { tree, hasher, statCache, signal: new AbortController().signal });
  expect(node.digest).toBe(digest);
});

test("each descriptor is closed, also after trouble", async () => {
  await using rig = await ContextRig.create(
    Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`f${at}`, `${at}`])),
  );
  const nodes = Array.from({ length: 2000 }, (_, at) => nodeOf(rig, `f${at}`));
  const wrong = nodes.map((node) => ({
    ...node,
    facts: { ...node.facts, sizeBytes: node.facts.sizeBytes + 1 },
  }));
  // More files than a process may have open on most systems, several times.
  for (let round = 0; round < 3; round += 1) await hash(rig, ...wrong.map((node) => ({ ...node })), ...nodes);
  expect(nodes.every((node) => typeof node.digest === "string")).toBe(true);
});
