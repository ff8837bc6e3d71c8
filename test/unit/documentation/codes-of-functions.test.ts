import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import * as v from "valibot";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ask } from "../../../src/cli/actions/machine.ts";
import { openLayerStore } from "../../../src/layers/open-layer-store.ts";
import { checkDataDisk } from "../../../src/machine/data-disk.ts";
import { runCommand } from "../../../src/machine/external-command.ts";
import { Machine } from "../../../src/machine/machine.ts";
import { machineResources } from "../../../src/machine/machine-resources.ts";
import { machineWorker } from "../../../src/machine/machine-worker.ts";
import { writeLock } from "../../../src/sources/lock-file.ts";
import { importImage, requireImage } from "../../../src/worker/local/microvm/images.ts";
import type { Microsandbox } from "../../../src/worker/local/microvm/microsandbox.ts";
import { withRuntimeDatabase } from "../../../src/worker/local/microvm/runtime-database.ts";
import { chosenValues } from "../../../src/worker/local/run/run-step.ts";
import { parseAnswer } from "../../../src/worker/remote/json-call.ts";
import type { LaunchRequest } from "../../../src/worker/worker.ts";
import { FakeWorker } from "../../support/fake-worker.ts";
import { testImageDigest } from "../../support/layer-store-fixture.ts";
import { mistakesIn, testImage } from "../../support/planned.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

// Codes that no command line can provoke without a microVM, from the functions that give them.

const { signal } = new AbortController();

afterEach(() => {
  vi.unstubAllEnvs();
});

async function codeOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
  return "none";
}

describe("programs of this host", () => {
  test("that are missing, or do not end", async () => {
    expect(await codeOf(() => runCommand(["lightbox-no-such-program"], { signal }))).toBe("ProgramMissing");
    const endless = [process.execPath, "-e", "setInterval(() => {}, 1000)"];
    expect(await codeOf(() => runCommand(endless, { signal, timeoutMs: 50 }))).toBe("ProgramTimedOut");
  });

  test("mke2fs, when it fails", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "mke2fs"), "#!/bin/sh\necho broken >&2\nexit 1\n");
    await chmod(join(folder.path, "mke2fs"), 0o755);
    vi.stubEnv("PATH", `${folder.path}:${process.env.PATH}`);
    const store = await openLayerStore(join(folder.path, "store"));
    expect(await codeOf(() => store.blank(64))).toBe("FilesystemToolFailed");
  });

  test("e2fsck, when the machine's disk is no file system", async () => {
    await using folder = await temporaryFolder();
    const disk = join(folder.path, "data.raw");
    await writeFile(disk, Buffer.alloc(1024 * 1024));
    await writeFile(join(folder.path, "e2fsck"), "#!/bin/sh\necho no file system\nexit 8\n");
    await chmod(join(folder.path, "e2fsck"), 0o755);
    const beside = join(folder.path, "mke2fs");
    expect(await codeOf(() => checkDataDisk(disk, beside, signal))).toBe("MachineDataDamaged");
  });
});

describe("the machine", () => {
  test("asks before it installs packages, where it can", async () => {
    // Of a terminal only what tells that it is none is used.
    const session = { stdin: new PassThrough(), stderr: new PassThrough() } as unknown as Parameters<
      typeof ask
    >[1];
    const installation = { packages: ["qemu-system-x86"], commands: [["apt-get", "install"]] };
    expect(await codeOf(() => ask(installation, session))).toBe("ConfirmationNeeded");
  });

  test("mounts no folder of this host", async () => {
    await using folder = await temporaryFolder();
    const machine = new Machine({
      home: folder.path,
      packageDirectory: folder.path,
      resources: machineResources({}),
      mayRestart: async () => false,
    });
    const request: LaunchRequest = {
      name: "box",
      from: { kind: "snapshot", name: "app" },
      resources: {},
      environment: {},
      workingDirectory: null,
      user: null,
      ports: [],
      mounts: [{ kind: "bind", hostPath: "/tmp", guestPath: "/mnt", readOnly: true }],
      replace: false,
      network: "default",
      idleTimeoutSeconds: null,
    };
    const worker = machineWorker(new FakeWorker(), machine);
    expect(await codeOf(() => worker.launchSandbox(request, signal))).toBe("FolderNotShared");
  });
});

describe("the microVM runtime", () => {
  const notFound = Object.assign(new Error("not found"), { code: "imageNotFound" });

  /** A runtime that knows no image but, after a load, one of another digest. */
  function runtime(load: () => Promise<void>): Microsandbox {
    let isLoaded = false;
    const image = {
      get: async () => {
        if (!isLoaded) throw notFound;
        return { manifestDigest: "sha256:other" };
      },
      load: async () => {
        await load();
        isLoaded = true;
      },
      remove: async () => {},
    };
    // Of the runtime only its images are used here.
    return { Image: image } as unknown as Microsandbox;
  }

  const base = testImage("base:1");

  test("that lacks an image, or refuses one, or has another one than was sent", async () => {
    await using folder = await temporaryFolder();
    const options = { temporaryDirectory: folder.path, signal };
    const fine = runtime(async () => {});
    expect(await codeOf(() => requireImage(fine, testImageDigest))).toBe("ImageMissing");
    const importInto = (microsandbox: Microsandbox) =>
      codeOf(() => importImage(base, Readable.from([Buffer.from("tar")]), { microsandbox, ...options }));
    expect(await importInto(fine)).toBe("ImageDigestMismatch");
    const refusing = runtime(async () => {
      throw Object.assign(new Error("no manifest"), { code: "invalidImage" });
    });
    expect(await importInto(refusing)).toBe("ImageImportFailed");
  });

  test("whose database is held by another process", async () => {
    const stuck = vi.fn();
    const work = async () => {
      throw new Error("start", { cause: new Error("database is locked") });
    };
    expect(await codeOf(() => withRuntimeDatabase(work, stuck))).toBe("RuntimeDatabaseLocked");
    expect(stuck).toHaveBeenCalledOnce();
  });
});

test("an answer that is none of a worker's", async () => {
  expect(await codeOf(() => parseAnswer("<html>", v.object({})))).toBe("WorkerAnswerUnreadable");
});

test("a value that a step printed and that no layer has kept", async () => {
  expect(chosenValues(["REV"], { REV: "1", OTHER: "2" })).toEqual({ REV: "1" });
  expect(await codeOf(() => chosenValues(["REV"], {}))).toBe("OutputValueMissing");
});

test("a lock file in a folder that is gone", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "gone", "Lightfile.lock");
  expect(await codeOf(() => writeLock(path, { images: [], git: [], urls: [] }))).toBe("LockUnwritable");
});

test("more Lightfiles than anyone joins", () => {
  const lines = Array.from({ length: 1000 }, (_, index) => `COPY --from=n${index} a /`);
  const imports = lines.map((_, index) => `IMPORT --arg=A=${index} ../other/Lightfile AS n${index}`);
  const text = [...imports, "FROM base:1", ...lines, ""].join("\n");
  const files = { "/other/Lightfile": "ARG A\nFROM base:1\n" };
  expect(mistakesIn(text, { files })).toEqual([
    expect.stringContaining("error TooManyFiles 1000:20 ../other/Lightfile"),
  ]);
});

test("a RUN without a program", () => {
  expect(mistakesIn('FROM base:1\nRUN [""]\n')[0]).toContain("error EmptyCommand 2:1");
});
