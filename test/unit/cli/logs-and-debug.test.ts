import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";
import { keyNumber } from "../../support/layer-store-fixture.ts";
import { writeTinyArchive } from "../images/tiny-image.ts";

/** Bakes a Lightfile whose second step fails. */
async function failedBake(rig: CommandRig): Promise<void> {
  await writeTinyArchive(join(rig.folder, "base.tar"));
  await writeFile(
    join(rig.folder, "Lightfile"),
    "FROM ./base.tar\nSNAPSHOT app\nRUN echo fine\nRUN false\nRUN echo never\n",
  );
  rig.worker.script("RUN echo fine", { output: ["fine\n"] });
  rig.worker.script("RUN false", { output: ["oh no\n"], exitCode: 1 });
  expect(await rig.run("bake")).toMatchObject({ exitCode: 1 });
}

test("logs of a failed bake are those of its steps, this folder's unless another is named", async () => {
  await using rig = await commandRig();
  await failedBake(rig);
  const all = await rig.run("logs");
  expect(all).toMatchObject({
    exitCode: 0,
    stdout: "==> 1 RUN echo fine\nfine\n==> 2 RUN false\noh no\n==> 3 RUN echo never\n",
    stderr: "no output is kept of 3 RUN echo never\n",
  });
  expect(await rig.run("logs", "Lightfile", "2")).toMatchObject({ exitCode: 0, stdout: "oh no\n" });
  expect(await rig.run("logs", ".", "0/2")).toMatchObject({ exitCode: 0, stdout: "oh no\n" });
  const unknown = await rig.run("logs", ".", "4");
  expect(unknown.exitCode).toBe(2);
  expect(unknown.stderr).toContain("error[UnknownStep]: there is no step 4");
  expect(unknown.stderr).toContain("2  RUN false");
});

test("logs of what is neither a Lightfile nor a snapshot says so", async () => {
  await using rig = await commandRig();
  const { exitCode, stderr } = await rig.run("logs", "nobody");
  expect(exitCode).toBe(2);
  expect(stderr).toContain("error[UnknownSnapshot]: there is neither a snapshot nor a Lightfile nobody");
  await writeFile(join(rig.folder, "Lightfile"), "FROM ./base.tar\n");
  expect((await rig.run("logs")).stderr).toContain("error[NothingBaked]");
});

test("debug runs a command on the disk of the failed step, says which, and leaves no sandbox", async () => {
  await using rig = await commandRig();
  await failedBake(rig);
  const { exitCode, stdout, stderr } = await rig.run("debug", ".", "echo", "inside");
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "inside\n" });
  expect(stderr).toContain("the disk as RUN false left it");
  expect(rig.worker.sandboxes.list()).toEqual([]);
});

test("logs of a bake without a step that changes files says so", async () => {
  await using rig = await commandRig();
  await writeTinyArchive(join(rig.folder, "base.tar"));
  await writeFile(join(rig.folder, "Lightfile"), "FROM ./base.tar\nENV A=1\n");
  expect(await rig.run("bake")).toMatchObject({ exitCode: 0 });
  expect(await rig.run("logs")).toMatchObject({ exitCode: 0, stderr: "no step of . changes files\n" });
});

test("debug of nothing and logs of nothing are told without a worker", async () => {
  await using rig = await commandRig();
  rig.environment.LIGHTBOX_HOST = "127.0.0.1:1";
  expect((await rig.run("debug", "elsewhere")).stderr).toContain("LightfileNotFound");
  await writeFile(join(rig.folder, "Lightfile"), "FROM ./base.tar\n");
  expect((await rig.run("debug")).stderr).toContain("NothingToDebug");
  expect((await rig.run("logs")).stderr).toContain("NothingBaked");
});

test("debug of nothing that failed is explained", async () => {
  await using rig = await commandRig();
  const missing = await rig.run("debug", "elsewhere");
  expect(missing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("LightfileNotFound") });
  await writeFile(join(rig.folder, "Lightfile"), "FROM ./base.tar\n");
  const fine = await rig.run("debug");
  expect(fine).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("NothingToDebug") });
  const gone = await rig.run("debug", keyNumber(1));
  expect(gone).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("NothingToDebug") });
});

test("graph shows what is cached", async () => {
  await using rig = await commandRig();
  await failedBake(rig);
  const { stdout } = await rig.run("graph", "--format=json");
  const { stages } = JSON.parse(stdout);
  expect(stages[0].steps.map(({ status }: { status: string }) => status)).toEqual([
    "cached",
    "will-run",
    "will-run",
  ]);
});
