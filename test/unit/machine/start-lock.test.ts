import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { acquireMachineLock } from "../../../src/machine/start-lock.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const signal = () => AbortSignal.timeout(20_000);
const never = () => {};

describe.skipIf(process.platform !== "linux")("the machine's lock", () => {
  test("is held by one at a time; all who wait get it in the end", async () => {
    await using folder = await temporaryFolder();
    let holders = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      await using _lock = await acquireMachineLock(folder.path, signal(), never);
      holders += 1;
      most = Math.max(most, holders);
      await new Promise((resolve) => setImmediate(resolve));
      holders -= 1;
    };
    await Promise.all(Array.from({ length: 12 }, work));

    expect(most).toBe(1);
  });

  test("says once that somebody else has it", async () => {
    await using folder = await temporaryFolder();
    const waited = Promise.withResolvers<void>();
    const first = await acquireMachineLock(folder.path, signal(), never);
    const second = acquireMachineLock(folder.path, signal(), waited.resolve);
    await waited.promise;
    await first[Symbol.asyncDispose]();

    await (await second)[Symbol.asyncDispose]();
  });

  test("of two folders are two locks", async () => {
    await using one = await temporaryFolder();
    await using other = await temporaryFolder();
    await using _first = await acquireMachineLock(one.path, signal(), never);
    await using _second = await acquireMachineLock(other.path, signal(), never);
  });

  test("is not waited for after the caller has cancelled", async () => {
    await using folder = await temporaryFolder();
    const controller = new AbortController();
    await using _first = await acquireMachineLock(folder.path, signal(), never);
    const second = acquireMachineLock(folder.path, controller.signal, () => controller.abort());

    await expect(second).rejects.toMatchObject({ code: "Cancelled", category: "cancelled" });
  });

  test("is free again when its holder is killed", async () => {
    await using folder = await temporaryFolder();
    const module = join(import.meta.dirname, "../../../src/machine/start-lock.ts");
    const script = `
      const { acquireMachineLock } = await import(${JSON.stringify(module)});
      await acquireMachineLock(${JSON.stringify(folder.path)}, AbortSignal.timeout(60000), () => {});
      process.stdout.write("held");
      setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    const lock = acquireMachineLock(folder.path, signal(), () => holder.kill("SIGKILL"));

    await (await lock)[Symbol.asyncDispose]();
    expect(holder.killed).toBe(true);
  });
});
