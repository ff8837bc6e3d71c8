import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ContextRig } from "../../support/context-rig.ts";
import { codesIn, printed } from "../../support/printed-diagnostics.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const lines = readFileSync(here("Lightfile"), "utf8").trimEnd().split("\n");

/** What is said of sources, as people read it. `vitest run test/golden --update` writes it anew; look at what changed. */
test("what is wrong with the sources of COPY, ADD and mounts reads as in diagnostics.txt", async () => {
  await using rig = await ContextRig.create({
    ".lightignore": "secret.txt\n[\n",
    "readme.txt": "hello",
    "other.txt": "hello",
    "secret.txt": "password",
    "folder/": "",
    loop: { link: "loop" },
    out: { link: "../elsewhere" },
  });
  await promisify(execFile)("mkfifo", [rig.path("pipe")]);
  const wrongIgnoreFile = (await rig.resolve(lines)).diagnostics;
  await rig.write({ ".lightignore": "secret.txt\n" });
  const { diagnostics } = await rig.resolve(lines);
  const told = printed([...wrongIgnoreFile, ...diagnostics]);
  await expect(told.replaceAll(rig.directory, "CONTEXT")).toMatchFileSnapshot(here("diagnostics.txt"));
});

/** Those that it cannot show, with the test that does. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ["UnreadableSource", "root can read everything: context/select-sources.test.ts"],
  ["ContextChanged", "changes while it is read: context/open-content.test.ts"],
  ["ChecksumMismatch", "needs a repository: context/remote-sources.test.ts"],
  ["UnsupportedFileName", "a name that is no UTF-8: context/hash-files.test.ts"],
]);

test("diagnostics.txt has every code of trouble with a source", async () => {
  const text = await readFile(here("diagnostics.txt"), "utf8");
  const found = new Set(codesIn(text));
  const folder = here("../../../src/context/");
  const sources = await Promise.all((await readdir(folder)).map((name) => readFile(folder + name, "utf8")));
  const codes = new Set(
    sources.flatMap((source) =>
      [...source.matchAll(/new ContextTrouble\(\s*"([A-Z]\w+)"/g)].map(([, code]) => code ?? ""),
    ),
  );
  expect(codes.size).toBeGreaterThan(5);
  expect([...codes].filter((code) => !found.has(code) && !elsewhere.has(code))).toEqual([]);
});
