import { expect, test } from "vitest";
import { BakeRig } from "./bake-rig.ts";
import { tracesOf } from "./traces.ts";

const mount = "--mount=type=secret,id=token,required";
const text = `FROM base:1\nSNAPSHOT app\nRUN one\nRUN --network=none ${mount} use\n`;
const secrets = new Map([["token", Buffer.from("hunter2")]]);

test("a secret reaches the step that mounts it and stays out of events, snapshots, requests and files", async () => {
  await using rig = await BakeRig.create();
  const baked = await rig.bake(text, {}, { secrets });
  expect(baked.outcome.kind).toBe("completed");
  expect(rig.worker.secretsRead).toEqual([{ title: expect.any(String), id: "token", value: "hunter2" }]);
  expect(await tracesOf(rig, baked)).not.toContain("hunter2");
});

test("another value of a secret runs nothing again, and a cached step needs none", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(text, {}, { secrets });
  expect((await rig.bake(text, {}, { secrets: new Map([["token", Buffer.from("new")]]) })).ran).toEqual([]);
  expect((await rig.bake(text)).outcome.kind).toBe("completed");
});

test("a secret that is not required and not given is read as none", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(text.replace(",required", ""));
  expect(rig.worker.secretsRead).toMatchObject([{ id: "token", value: null }]);
});
