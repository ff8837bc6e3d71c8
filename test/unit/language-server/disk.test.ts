import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { findLightfiles } from "../../../src/language-server/disk.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("files of a workspace are Lightfiles by their names; lock and ignore files are not", async () => {
  await using folder = await temporaryFolder();
  const wanted = ["Dockerfile", "Lightfile", "Lightfile.dev", "app/base.lightfile"];
  const others = [
    ".git/Lightfile",
    "Lightfile.dev.lock",
    "Lightfile.dockerignore",
    "Lightfile.lightignore",
    "Lightfile.lock",
    "app/base.lightfile.lock",
    "node_modules/Lightfile",
  ];
  for (const name of [".git", "app", "node_modules"]) await mkdir(join(folder.path, name));
  for (const name of [...wanted, ...others]) await writeFile(join(folder.path, name), "");
  const found = findLightfiles(folder.path).map((path) => relative(folder.path, path));
  expect(found.toSorted()).toEqual(wanted);
});
