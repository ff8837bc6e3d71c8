import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type BakeEvent, buildSnapshot, defineSnapshot, inspectSnapshot, shell } from "../../../src/index.ts";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";
import { writeTinyArchive } from "../images/tiny-image.ts";

let rig: CommandRig;
let image: string;

beforeEach(async () => {
  rig = await commandRig({ scripts: { "break it": { exitCode: 3, output: ["no luck\n"] } } });
  for (const [name, value] of Object.entries(rig.environment)) vi.stubEnv(name, value);
  image = join(rig.folder, "base.tar");
  await writeTinyArchive(image);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rig[Symbol.asyncDispose]();
});

test("buildSnapshot bakes what the config describes, and runs nothing that was run before", async () => {
  const config = defineSnapshot({
    name: "node-ci",
    image,
    workdir: "/work",
    env: { CI: "true" },
    labels: { team: "platform" },
    setup: ["apt-get install -y jq", shell("make", "make it")],
  });
  const events: BakeEvent[] = [];
  const first = await buildSnapshot(config, { onEvent: (event) => events.push(event) });
  expect(first).toMatchObject({ kind: "completed", snapshotName: "node-ci", ranCount: 2, published: true });
  const stages = events.flatMap((event) => (event.kind === "planned" ? event.stages : []));
  expect(stages.flatMap(({ steps }) => steps.map(({ title }) => title))).toContain("make it");
  expect((await inspectSnapshot("node-ci")).configuration).toMatchObject({
    environment: { CI: "true" },
    workingDirectory: "/work",
    labels: { team: "platform" },
  });
  const again = await buildSnapshot(config);
  expect(again).toMatchObject({ ranCount: 0, published: false });
  await expect(buildSnapshot(config, { overwrite: false })).rejects.toMatchObject({ code: "SnapshotExists" });
});

test("buildSnapshot throws what is wrong with a config, and what a step that failed printed last", async () => {
  await expect(buildSnapshot({ name: "a b", image })).rejects.toMatchObject({
    code: expect.any(String),
    category: "usage",
    diagnostics: [expect.objectContaining({ severity: "error" })],
  });
  const failing = buildSnapshot({ name: "broken", image, setup: [shell("false", "break it")] });
  await expect(failing).rejects.toMatchObject({
    code: "StepFailed",
    category: "step",
    message: "break it: exit code 3\nno luck",
  });
  const stopped = AbortSignal.abort();
  await expect(
    buildSnapshot({ name: "stopped", image, setup: ["a"] }, { signal: stopped }),
  ).rejects.toThrow();
});
