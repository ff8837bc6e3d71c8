import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { filesBelow } from "../../../src/machine/files-below.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("files below a folder are listed without following links out of it", async () => {
  await using folder = await temporaryFolder();
  await using elsewhere = await temporaryFolder();
  await writeFile(join(elsewhere.path, "secret"), "");
  await mkdir(join(folder.path, "sub"));
  await writeFile(join(folder.path, "sub/file"), "");
  await symlink(elsewhere.path, join(folder.path, "link"));

  expect((await filesBelow(folder.path)).sort()).toEqual([
    join(folder.path, "link"),
    join(folder.path, "sub/file"),
  ]);
});
