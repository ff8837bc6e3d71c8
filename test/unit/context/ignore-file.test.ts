import { mkdir, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { loadIgnoreFile } from "../../../src/context/ignore-file.ts";
import { shown } from "../../support/planned.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("the file beside the Lightfile comes first, then .lightignore, then .dockerignore; only one counts", async () => {
  await using folder = await temporaryFolder();
  const context = `${folder.path}/context`;
  await mkdir(context);
  const candidates = [
    `${context}/.dockerignore`,
    `${context}/.lightignore`,
    `${folder.path}/web.dockerignore`,
    `${folder.path}/web.lightignore`,
  ];
  const request = { lightfilePath: `${folder.path}/web`, contextDirectory: context };
  expect((await loadIgnoreFile(request)).value.isIgnored("number-0")).toBe(false);
  for (const [index, path] of candidates.entries()) {
    await writeFile(path, `number-${index}\n`);
    const { value } = await loadIgnoreFile(request);
    const ignored = candidates.map((_, other) => value.isIgnored(`number-${other}`));
    expect(ignored).toEqual(candidates.map((_, other) => other === index));
  }
  const { value } = await loadIgnoreFile({ lightfilePath: null, contextDirectory: context });
  expect(value.explain("number-1/x")).toBe("line 1 of .lightignore (number-1)");
  expect(value.explain("number-0")).toBeNull();
});

test("mistakes in it are located", async () => {
  await using folder = await temporaryFolder();
  await writeFile(`${folder.path}/.lightignore`, "ok\n!\n");
  const { diagnostics } = await loadIgnoreFile({ lightfilePath: null, contextDirectory: folder.path });
  expect(shown(diagnostics)).toEqual([expect.stringContaining("error InvalidIgnorePattern 2:1 !")]);
});

test("one that is a directory or far too large is a failure", async () => {
  await using folder = await temporaryFolder();
  const request = { lightfilePath: null, contextDirectory: folder.path };
  await mkdir(`${folder.path}/.lightignore`);
  await expect(loadIgnoreFile(request)).rejects.toMatchObject({ code: "UnreadableIgnoreFile" });
  const other = { lightfilePath: `${folder.path}/L`, contextDirectory: folder.path };
  await writeFile(`${folder.path}/L.lightignore`, "a\n".repeat(600_000));
  await expect(loadIgnoreFile(other)).rejects.toMatchObject({ code: "IgnoreFileTooLarge" });
});
