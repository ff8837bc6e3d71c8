import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { emptyConfiguration } from "../../../../../src/model/sandbox-configuration.ts";
import { SandboxRecords } from "../../../../../src/worker/local/sandboxes/sandbox-record.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

function record(records: SandboxRecords, name: string) {
  return {
    name,
    runtimeName: records.runtimeName(name),
    snapshot: "snap",
    createdAt: "2026-01-01T00:00:00.000Z",
    ports: [],
    configuration: emptyConfiguration,
    isEphemeral: false,
  };
}

test("a name is taken once, and listed when its record is there", async () => {
  await using folder = await temporaryFolder();
  const records = new SandboxRecords(folder.path, "0123456789");
  await records.reserve("web");
  await expect(records.reserve("web")).rejects.toMatchObject({ code: "SandboxExists" });
  expect(await records.list()).toEqual([]);
  expect(await records.unfinished()).toEqual([{ name: "web", owner: process.pid }]);
  await records.write(record(records, "web"));
  expect((await records.list()).map(({ runtimeName }) => runtimeName)).toEqual(["lightbox-run-01234567-web"]);
  expect(await records.unfinished()).toEqual([]);
  await records.remove("web");
  expect(await records.folders()).toEqual([]);
});

test("an unknown name is answered with a near one, and a path is no name", async () => {
  await using folder = await temporaryFolder();
  const records = new SandboxRecords(folder.path, "0123456789");
  await records.reserve("web");
  await records.write(record(records, "web"));
  await expect(records.get("wbe")).rejects.toMatchObject({
    code: "UnknownSandbox",
    hint: "did you mean web?",
  });
  await expect(records.get("../web")).rejects.toMatchObject({ code: "UnknownSandbox" });
  await expect(records.reserve("../web")).rejects.toMatchObject({ code: "SandboxNameRefused" });
});

test("a damaged record is no sandbox, and what nobody owns any more is unfinished", async () => {
  await using folder = await temporaryFolder();
  const records = new SandboxRecords(folder.path, "0123456789");
  await mkdir(records.directory("torn"), { recursive: true });
  await writeFile(join(records.directory("torn"), "sandbox.json"), '{"version":');
  expect(await records.list()).toEqual([]);
  const [unfinished] = await records.unfinished();
  expect(unfinished?.owner).not.toBe(process.pid);
});
