import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandRig } from "../../support/command-rig.ts";

test("a context that is not there, and one that is a file, are told apart", async () => {
  await using rig = await commandRig();
  await writeFile(join(rig.folder, "Lightfile"), "FROM ./base.tar\n");
  expect(await rig.run("bake", "-C", "/nope")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("error[ContextNotFound]: the context /nope cannot be opened (ENOENT)"),
  });
  expect(await rig.run("bake", "-C", "Lightfile")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("error[ContextNotDirectory]"),
  });
});

test("a Lightfile that is no file is said to be what it is", async () => {
  await using rig = await commandRig();
  await mkdir(join(rig.folder, "Lightfile"));
  const folder = await rig.run("bake");
  expect(folder.exitCode).toBe(2);
  expect(folder.stderr).toContain("error[LightfileNotFile]: Lightfile is a folder, not a file");
  expect(folder.stderr).not.toContain("did you mean");
  execFileSync("mkfifo", [join(rig.folder, "pipe")]);
  expect((await rig.run("bake", "-f", "pipe")).stderr).toContain("pipe is a pipe, not a file");
  expect((await rig.run("bake", "-f", "/dev/null")).stderr).toContain("/dev/null is a device or socket");
});
