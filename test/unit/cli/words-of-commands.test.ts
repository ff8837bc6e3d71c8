import { describe, expect, test } from "vitest";
import { emptyConfiguration } from "../../../src/model/sandbox-configuration.ts";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";
import { testImageDigest } from "../../support/layer-store-fixture.ts";

async function rigWithSnapshot(): Promise<CommandRig> {
  const rig = await commandRig();
  const image = {
    reference: "debian:13",
    digest: testImageDigest,
    platform: "linux/amd64",
    configuration: emptyConfiguration,
  };
  rig.worker.store.publish({
    name: "app",
    layer: null,
    image,
    diskSizeMib: 64,
    configuration: emptyConfiguration,
    history: [],
  });
  return rig;
}

describe("lightbox run", () => {
  test.each([
    [["--name", "box", "-d", "app"]],
    [["app", "--name", "box", "-d"]],
    [["-d", "app", "--name=box"]],
    [["app", "-d", "--name", "box", "--", "echo", "hi"]],
  ])("takes options before and behind the name: %j", async (words) => {
    await using rig = await rigWithSnapshot();
    expect(await rig.run("run", ...words)).toEqual({ exitCode: 0, stdout: "box\n", stderr: "" });
    expect(rig.worker.sandboxes.list().map(({ name }) => name)).toEqual(["box"]);
  });

  test.each([
    [["--rm", "app", "echo", "-n", "--rm", "x"], "-n --rm x\n"],
    [["app", "--rm", "echo", "-d"], "-d\n"],
    [["app", "--rm", "--", "echo", "--", "x"], "-- x\n"],
    [["--rm", "--", "app", "echo", "--rm"], "--rm\n"],
  ])("hands on all that follows the command's first word: %j", async (words, output) => {
    await using rig = await rigWithSnapshot();
    const { exitCode, stdout } = await rig.run("run", ...words);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: output });
    expect(rig.worker.sandboxes.list()).toEqual([]);
  });

  test("refuses a command that begins with a dash and has no -- before it", async () => {
    await using rig = await rigWithSnapshot();
    const { exitCode, stderr } = await rig.run("run", "app", "-z", "x");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("unknown option '-z'");
    expect(stderr).toContain("lightbox run app -- -z");
    expect(rig.worker.sandboxes.list()).toEqual([]);
  });

  test("helps behind the name, too", async () => {
    await using rig = await rigWithSnapshot();
    expect((await rig.run("run", "app", "--help")).stdout).toContain("Usage: lightbox run");
  });
});

test("exec takes options behind the sandbox's name, and leaves the command its own", async () => {
  await using rig = await rigWithSnapshot();
  await rig.run("run", "-d", "--name", "box", "app");
  expect((await rig.run("exec", "box", "-u", "root", "echo", "-u")).stdout).toBe("-u\n");
  expect((await rig.run("exec", "box")).exitCode).toBe(2);
});
