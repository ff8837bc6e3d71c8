import { spawnSync } from "node:child_process";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { provideDataDisk, sizeOnDisk } from "../../../src/machine/data-disk.ts";
import { findProgram } from "../../../src/machine/external-command.ts";
import { rootImageKey } from "../../../src/machine/root-image.ts";
import type { RootImageInputs } from "../../../src/machine/root-stage.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const mke2fs = await findProgram("mke2fs");

describe("the root image's key", () => {
  test("stays while nothing changes, and changes with lightbox, node, busybox or the kernel", async () => {
    await using folder = await temporaryFolder();
    const inputs = await makeInputs(folder.path);
    const key = await rootImageKey(inputs);
    expect(await rootImageKey(inputs)).toBe(key);

    const keys = [key, await rootImageKey({ ...inputs, kernelRelease: "6.13.0" })];
    for (const path of ["package/dist/cli.js", "node", "busybox"]) {
      await utimes(join(folder.path, path), 1, keys.length);
      keys.push(await rootImageKey(inputs));
    }
    await writeFile(join(folder.path, "package/dist/new.js"), "");
    keys.push(await rootImageKey(inputs));

    expect(new Set(keys).size).toBe(6);
  });

  test("cannot be had without microsandbox, and the failure says how to get it", async () => {
    await using folder = await temporaryFolder();
    const inputs = await makeInputs(folder.path);

    await expect(rootImageKey({ ...inputs, packageDirectory: "/" })).rejects.toMatchObject({
      code: "MicrosandboxPackageMissing",
      hint: expect.stringContaining("npm install --no-save microsandbox"),
    });
  });
});

describe.skipIf(mke2fs === undefined)("the data disk", () => {
  test("is a sparse ext4 file, made once and complete", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "data.img");
    const options = { path, sizeMib: 4096, mke2fsPath: mke2fs ?? "" };

    expect(await provideDataDisk(options, AbortSignal.timeout(20_000))).toBe(true);
    expect(await sizeOnDisk(path)).toBeLessThan(16 * 2 ** 20);
    expect(await provideDataDisk(options, AbortSignal.timeout(20_000))).toBe(false);
    expect(await readdir(folder.path)).toEqual(["data.img"]);
    const checked = spawnSync("/sbin/e2fsck", ["-fn", path], { timeout: 20_000 });
    if (checked.error === undefined) expect(checked.status).toBe(0);
  });

  test("that cannot be made leaves no file", async () => {
    await using folder = await temporaryFolder();
    const options = { path: join(folder.path, "data.img"), sizeMib: 64, mke2fsPath: "/bin/false" };

    await expect(provideDataDisk(options, AbortSignal.timeout(20_000))).rejects.toMatchObject({
      code: "ProgramFailed",
    });
    expect(await readdir(folder.path)).toEqual([]);
  });
});

/** Small stand-ins for all that goes into the image. */
async function makeInputs(folder: string): Promise<RootImageInputs> {
  const packageDirectory = join(folder, "package");
  const modules = join(packageDirectory, "node_modules");
  const files = [
    "package/package.json",
    "package/dist/cli.js",
    "node",
    "busybox",
    "mke2fs",
    "package/node_modules/microsandbox/package.json",
    "package/node_modules/@superradcompany/microsandbox-linux-x64-gnu/package.json",
  ];
  await mkdir(join(packageDirectory, "dist"), { recursive: true });
  await mkdir(join(modules, "microsandbox"), { recursive: true });
  await mkdir(join(modules, "@superradcompany/microsandbox-linux-x64-gnu"), { recursive: true });
  for (const file of files) await writeFile(join(folder, file), "{}");
  return {
    packageDirectory,
    nodePath: join(folder, "node"),
    busyboxPath: join(folder, "busybox"),
    mke2fsPath: join(folder, "mke2fs"),
    modulesDirectory: folder,
    kernelRelease: "6.12.0",
  };
}
