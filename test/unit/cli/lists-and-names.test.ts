import { expect, test } from "vitest";
import { emptyConfiguration } from "../../../src/model/sandbox-configuration.ts";
import type { HistoryEntry, PublishRequest } from "../../../src/worker/worker.ts";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";
import { keyNumber, testImageDigest } from "../../support/layer-store-fixture.ts";

const image = {
  reference: "debian:13",
  digest: testImageDigest,
  platform: "linux/amd64",
  configuration: emptyConfiguration,
};

/** Publishes the layer of that number under the name, making it first. */
function publish(
  { worker }: CommandRig,
  name: string,
  number: number,
  history: readonly HistoryEntry[] = [],
) {
  const key = keyNumber(number);
  const title = `RUN step ${number}`;
  const operation = { kind: "make-directories", directories: [] } as const;
  worker.store.seal({ key, title, record: title, operation }, null, { sizeBytes: 2048 * number });
  const request: PublishRequest = {
    name,
    layer: key,
    image,
    diskSizeMib: 64,
    configuration: emptyConfiguration,
    history,
  };
  worker.store.publish(request);
}

test("snapshots lists what a name stood for before, too", async () => {
  await using rig = await commandRig();
  publish(rig, "app", 1);
  publish(rig, "app", 2);
  const { exitCode, stdout } = await rig.run("snapshots");
  expect(exitCode).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^SNAPSHOT +LAYER +BASE +CREATED +SIZE$/);
  expect(lines.slice(1).sort()).toEqual([
    expect.stringMatching(/^app +000000000000 +debian:13 +.+ 4 KiB$/),
    expect.stringMatching(/^app@previous +000000000000 +debian:13 +.+ 2 KiB$/),
  ]);
});

test("a snapshot whose layers are gone is listed as damaged", async () => {
  await using rig = await commandRig();
  publish(rig, "app", 0);
  expect((await rig.run("snapshots")).stdout).toMatch(/ damaged\n$/);
});

test("an empty list is a header, or an empty array", async () => {
  await using rig = await commandRig();
  expect(await rig.run("snapshots")).toEqual({
    exitCode: 0,
    stdout: "SNAPSHOT  LAYER  BASE  CREATED  SIZE\n",
    stderr: "",
  });
  expect(await rig.run("snapshots", "ls", "--format", "json")).toMatchObject({ stdout: "[]\n" });
  expect(await rig.run("ps")).toMatchObject({ stdout: "NAME  STATUS  SNAPSHOT  CREATED  PORTS\n" });
});

test("a format that does not exist is refused", async () => {
  await using rig = await commandRig();
  for (const words of [["snapshots"], ["ps"], ["doctor"]]) {
    const { exitCode, stderr } = await rig.run(...words, "--format", "xml");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("Allowed choices are");
  }
});

test("history says what each instruction's layer takes, as a table and as JSON", async () => {
  await using rig = await commandRig();
  const history = [
    { title: "RUN step 3", layer: keyNumber(3) },
    { title: "CMD /bin/sh", layer: null },
  ];
  publish(rig, "app", 3, history);
  const { stdout } = await rig.run("snapshots", "history", "app");
  expect(stdout.split("\n")).toEqual([
    `base debian:13 (${testImageDigest})`,
    expect.stringMatching(/^LAYER +SIZE +SEALED +INSTRUCTION$/),
    expect.stringMatching(/^000000000000 +6 KiB +.+ RUN step 3$/),
    expect.stringMatching(/^- +- +- +CMD \/bin\/sh$/),
    "",
  ]);
  const { stdout: json } = await rig.run("snapshots", "history", "app", "--format=json");
  expect(JSON.parse(json)).toEqual([
    { title: "RUN step 3", layer: keyNumber(3), sizeBytes: 6144, sealedAt: expect.any(String) },
    { title: "CMD /bin/sh", layer: null, sizeBytes: null, sealedAt: null },
  ]);
});

test("a name that is wrong is explained, and the others are still removed", async () => {
  await using rig = await commandRig();
  publish(rig, "one", 1);
  publish(rig, "two", 2);
  const { exitCode, stdout, stderr } = await rig.run("snapshots", "rm", "one", "thre", "two", "one");
  expect(exitCode).toBe(2);
  expect(stdout).toBe("one\ntwo\n");
  expect(stderr).toContain("error[UnknownSnapshot]: there is no snapshot named thre");
  expect(rig.worker.store.snapshots.size).toBe(0);
});

test("rm and stop go on behind a sandbox that they cannot end", async () => {
  await using rig = await commandRig();
  publish(rig, "app", 1);
  for (const name of ["a", "b"]) {
    await rig.run("run", "-d", "--name", name, "app");
  }
  await rig.run("stop", "b");
  const { exitCode, stdout, stderr } = await rig.run("rm", "a", "b");
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "b\n" });
  expect(stderr).toContain("error[SandboxRunning]");
  expect(await rig.run("rm", "-f", "a")).toMatchObject({ exitCode: 0, stdout: "a\n" });
});

test("a token that is missing, a wrong one and a worker that is not there: none is fit", async () => {
  await using rig = await commandRig();
  const reached = await rig.run("ps", "--host", "http://127.0.0.1:1");
  expect(reached).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("WorkerUnreachable") });
  rig.environment.LIGHTBOX_TOKEN = "another";
  const refused = await rig.run("ps");
  expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("WorkerRefusedToken") });
  delete rig.environment.LIGHTBOX_TOKEN;
  const missing = await rig.run("ps");
  expect(missing).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("WorkerTokenMissing") });
});
