import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exists, namesIn } from "../../../src/model/present-files.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("the names in a folder are sorted", async () => {
  await using folder = await temporaryFolder();
  for (const name of ["c", "a", "b"]) await writeFile(join(folder.path, name), "");
  expect(await namesIn(folder.path)).toEqual(["a", "b", "c"]);
});

test("no folder, a file in its place, and a path below a file have no names and no files", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "file");
  await writeFile(file, "");
  expect(await namesIn(join(folder.path, "missing"))).toEqual([]);
  expect(await namesIn(file)).toEqual([]);
  expect(await namesIn(join(file, "below"))).toEqual([]);
  expect(await exists(join(folder.path, "missing"))).toBe(false);
  expect(await exists(join(file, "below"))).toBe(false);
  expect(await exists(file)).toBe(true);
});
