import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  type EnsureVolumeOptions,
  ensureVolume,
  listVolumes,
  removeVolume,
  type VolumeRecord,
  volumeExists,
} from "../../../src/index.ts";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";

let rig: CommandRig;

beforeEach(async () => {
  rig = await commandRig();
  for (const [name, value] of Object.entries(rig.environment)) vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rig[Symbol.asyncDispose]();
});

test("volumes are made, found, listed and removed", async () => {
  expect(await volumeExists("npm-cache")).toBe(false);
  const options: EnsureVolumeOptions = { labels: { tier: "ci" } };
  const made: VolumeRecord = await ensureVolume("npm-cache", options);
  expect(made).toMatchObject({ name: "npm-cache", labels: { tier: "ci" } });
  await ensureVolume("models");
  expect(await volumeExists("npm-cache")).toBe(true);
  expect(await listVolumes()).toMatchObject([{ name: "models", labels: {} }, made]);
  await removeVolume("npm-cache");
  expect(await volumeExists("npm-cache")).toBe(false);
  await expect(removeVolume("npm-cache")).rejects.toMatchObject({ code: "UnknownVolume" });
});

test("a quota is refused with the reason, and nothing is made", async () => {
  await expect(ensureVolume("npm-cache", { quotaMib: 2048, labels: { tier: "ci" } })).rejects.toMatchObject({
    code: "VolumeQuotaUnsupported",
    category: "usage",
    message: expect.stringMatching(/npm-cache.*2048 MiB.*quotaMib/),
    hint: expect.stringContaining("leave quotaMib out"),
  });
  expect(await listVolumes()).toEqual([]);
});
