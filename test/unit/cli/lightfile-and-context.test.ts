import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandRig } from "../../support/command-rig.ts";
import { writeTinyArchive } from "../images/tiny-image.ts";

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

test("a LIGHTBOX_HOME that is a file is what is named, whatever the command", async () => {
  await using rig = await commandRig();
  await writeFile(rig.home.directory, "");
  await writeFile(join(rig.folder, "Lightfile"), "FROM ./base.tar\n");
  for (const words of [["bake"], ["snapshots"], ["logs"], ["machine", "status"], ["doctor"]]) {
    const { exitCode, stderr } = await rig.run(...words);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`error[HomeNotFolder]: lightbox keeps its files in ${rig.home.directory}`);
  }
  expect((await rig.run("--help")).exitCode).toBe(0);
});

test("a dry run says that a name will be published although no step runs", async () => {
  await using rig = await commandRig();
  await writeTinyArchive(join(rig.folder, "base.tar"));
  const text = "FROM ./base.tar\nSNAPSHOT app\nENV A=1\n";
  await writeFile(join(rig.folder, "Lightfile"), text);
  expect(await rig.run("bake")).toMatchObject({ exitCode: 0 });
  expect((await rig.run("bake", "--dry-run")).stdout).toBe("0 of 0 steps will run\n");
  await writeFile(join(rig.folder, "Lightfile"), text.replace("A=1", "A=2"));
  expect((await rig.run("bake", "--dry-run")).stdout).toBe(
    "0 of 0 steps will run\napp will be published: its layers are the same, and what is recorded with them changed\n",
  );
  const { stdout } = await rig.run("bake", "--dry-run", "--progress=json");
  expect(JSON.parse(stdout)).toEqual({
    snapshot: "app",
    publication: "other-configuration",
    steps: [],
    tests: [],
  });
});

test("machine rm where there is none says so", async () => {
  await using rig = await commandRig();
  expect(await rig.run("machine", "rm")).toEqual({
    exitCode: 0,
    stdout: "no machine is installed\n",
    stderr: "",
  });
});

test("serve makes no folder for a token file that may be misspelt", async () => {
  await using rig = await commandRig();
  const { exitCode, stderr } = await rig.run("serve", "--token-file", "typo/token");
  expect(exitCode).toBe(3);
  expect(stderr).toContain("error[TokenFileUnwritable]");
});

test("base images are chosen for the platform of the worker, which is asked for it once", async () => {
  const other = process.arch === "arm64" ? "amd64" : "arm64";
  await using rig = await commandRig({ description: { platform: `linux/${other}` } });
  await writeTinyArchive(join(rig.folder, "base.tar"), "hello", other);
  await writeFile(join(rig.folder, "Lightfile"), "FROM ./base.tar\nRUN x\n");
  expect(await rig.run("bake")).toMatchObject({ exitCode: 0 });
  // Neither asks: the index knows.
  expect((await rig.run("bake", "--dry-run")).stdout).toContain("0 of 1 steps will run");
  expect(await rig.run("bake")).toMatchObject({ exitCode: 0 });
});
