import { expect, test } from "vitest";
import { commandRig } from "../../support/command-rig.ts";

test("volumes lists what create has made, as a table and as JSON", async () => {
  await using rig = await commandRig();
  expect(await rig.run("volumes")).toMatchObject({ stdout: "VOLUME  CREATED  SIZE  LABELS\n" });
  expect(await rig.run("volumes", "ls", "--format=json")).toMatchObject({ stdout: "[]\n" });
  const words = ["--label", "tier=ci", "--label", "query=a=b", "--label", "empty="];
  expect(await rig.run("volumes", "create", "npm", ...words)).toEqual({
    exitCode: 0,
    stdout: "npm\n",
    stderr: "",
  });
  await rig.run("volumes", "create", "apt");
  expect((await rig.run("volumes")).stdout.split("\n")).toEqual([
    expect.stringMatching(/^VOLUME +CREATED +SIZE +LABELS$/),
    expect.stringMatching(/^apt +.+ 4 KiB$/),
    expect.stringMatching(/^npm +.+ 4 KiB +tier=ci, query=a=b, empty=$/),
    "",
  ]);
  const { stdout } = await rig.run("volumes", "--format", "json");
  expect(JSON.parse(stdout)).toEqual([
    { name: "apt", labels: {}, createdAt: expect.any(String), sizeBytes: 4096 },
    {
      name: "npm",
      labels: { tier: "ci", query: "a=b", empty: "" },
      createdAt: expect.any(String),
      sizeBytes: 4096,
    },
  ]);
});

test("create leaves a volume that is there as it is, and says so when it was asked for other labels", async () => {
  await using rig = await commandRig();
  await rig.run("volumes", "create", "npm", "--label=tier=ci");
  const quiet = { exitCode: 0, stdout: "npm\n", stderr: "" };
  expect(await rig.run("volumes", "create", "npm")).toEqual(quiet);
  expect(await rig.run("volumes", "create", "npm", "--label=tier=ci")).toEqual(quiet);
  expect(await rig.run("volumes", "create", "npm", "--label=tier=prod")).toEqual({
    ...quiet,
    stderr: "volume npm was there already; it keeps its labels: tier=ci\n",
  });
});

test("a label without a value or without a key is refused", async () => {
  await using rig = await commandRig();
  for (const label of ["tier", "=ci", ""]) {
    const { exitCode, stderr } = await rig.run("volumes", "create", "npm", "--label", label);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("it must be KEY=VALUE"),
    });
  }
  expect(rig.worker.store.volumes.size).toBe(0);
});

test("rm goes on behind a volume that is in use and one that is not there", async () => {
  await using rig = await commandRig();
  const worker = rig.worker;
  for (const name of ["apt", "npm"]) worker.store.ensureVolume({ name, labels: {} });
  worker.removeVolume = async (name) => {
    if (name === "npm") {
      const { Failure } = await import("../../../src/diagnostics/failure.ts");
      throw new Failure({ code: "VolumeInUse", category: "usage", message: "mounted by sandbox web" });
    }
    worker.store.removeVolume(name);
  };
  const { exitCode, stdout, stderr } = await rig.run("volumes", "rm", "npm", "atp", "apt");
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "apt\n" });
  expect(stderr).toContain("error[VolumeInUse]: mounted by sandbox web");
  expect(stderr).toContain("hint: did you mean apt?");
});
