import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { platform } from "node:process";
import { describe, expect, test } from "vitest";
import { exitCodes } from "../../../src/cli/exit-code.ts";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";

interface Case {
  readonly code: string;
  readonly words: readonly string[];
  readonly exitCode: number;
  /** What is there before the command. */
  readonly prepare?: (rig: CommandRig) => Promise<void> | void;
  readonly only?: NodeJS.Platform;
}

/** The worker of this host, which these commands open, or begin to, without a microVM. */
function useThisHost({ environment }: CommandRig): void {
  delete environment.LIGHTBOX_HOST;
  delete environment.LIGHTBOX_TOKEN;
  environment.LIGHTBOX_VIRTUALIZATION = "native";
}

async function writeLightfile({ folder }: CommandRig): Promise<void> {
  await writeFile(join(folder, "Lightfile"), "FROM ./base.tar\nRUN true\n");
}

const { usage, environment, internal } = exitCodes;

const cases: readonly Case[] = [
  { code: "InvalidMount", words: ["run", "-v", "nowhere", "app"], exitCode: usage },
  { code: "InvalidNetwork", words: ["run", "--network", "wifi", "app"], exitCode: usage },
  { code: "InvalidVariable", words: ["run", "-e", "=x", "app"], exitCode: usage },
  { code: "InvalidPort", words: ["run", "-p", "80", "app"], exitCode: usage },
  { code: "UnknownSnapshot", words: ["run", "app"], exitCode: usage },
  { code: "UnknownSandbox", words: ["exec", "box", "true"], exitCode: usage },
  { code: "LightfileNotFound", words: ["bake"], exitCode: usage },
  { code: "NothingBaked", words: ["logs"], exitCode: usage, prepare: writeLightfile },
  { code: "NothingToDebug", words: ["debug"], exitCode: usage, prepare: writeLightfile },
  {
    code: "OutputUnwritable",
    words: ["import", "-o", "nowhere/Lightfile"],
    exitCode: usage,
    prepare: ({ folder }) => writeFile(join(folder, "Dockerfile"), "FROM base:1\n"),
  },
  {
    code: "LockUnreadable",
    words: ["lock"],
    exitCode: usage,
    prepare: async (rig) => {
      await writeLightfile(rig);
      await mkdir(join(rig.folder, "Lightfile.lock"));
    },
  },
  { code: "InvalidSnapshotName", words: ["bake", "-t", "-x"], exitCode: usage, prepare: writeLightfile },
  // A file that may be opened and not be read, by root neither.
  { code: "LightfileUnreadable", words: ["bake", "-f", "/proc/self/mem"], exitCode: usage, only: "linux" },
  {
    code: "LightfileNotText",
    words: ["bake"],
    exitCode: usage,
    prepare: ({ folder }) => writeFile(join(folder, "Lightfile"), Buffer.from([0xff])),
  },
  {
    code: "InvalidWorkerAddress",
    words: ["ps", "--host", "ftp://example.test"],
    exitCode: usage,
  },
  {
    code: "WorkerTokenMissing",
    words: ["ps"],
    exitCode: environment,
    prepare: (rig) => {
      delete rig.environment.LIGHTBOX_TOKEN;
    },
  },
  {
    code: "WorkerRefusedToken",
    words: ["ps"],
    exitCode: environment,
    prepare: (rig) => {
      rig.environment.LIGHTBOX_TOKEN = "wrong";
    },
  },
  { code: "WorkerUnreachable", words: ["ps", "--host", "127.0.0.1:1"], exitCode: environment },
  {
    code: "VirtualizationSettingInvalid",
    words: ["ps"],
    exitCode: usage,
    prepare: (rig) => {
      useThisHost(rig);
      rig.environment.LIGHTBOX_VIRTUALIZATION = "perhaps";
    },
  },
  {
    code: "TokenFileUnreadable",
    words: ["serve", "--token-file", "folder"],
    exitCode: environment,
    prepare: async (rig) => {
      await mkdir(join(rig.folder, "folder"));
    },
  },
  {
    code: "AddressNotAllowed",
    // Of the addresses that are for documents only.
    words: ["serve", "--address", "192.0.2.1"],
    exitCode: environment,
    prepare: useThisHost,
  },
  {
    code: "StoreNotWritable",
    words: ["serve", "--store", "/sys/store"],
    exitCode: environment,
    only: "linux",
  },
  {
    code: "StoreRefused",
    words: ["serve", "--store", "."],
    exitCode: environment,
    prepare: ({ folder }) => writeFile(join(folder, "letter.txt"), ""),
  },
  {
    code: "InternalError",
    words: ["ps"],
    exitCode: internal,
    prepare: (rig) => {
      Object.defineProperty(rig.environment, "LIGHTBOX_HOST", {
        get: () => {
          throw new TypeError("of a mistake in the program");
        },
      });
    },
  },
];

describe("a command that ends with", () => {
  test.each(cases.filter(({ only }) => only === undefined || only === platform))(
    "$code says so, with exit code $exitCode",
    async ({ code, words, exitCode, prepare }) => {
      await using rig = await commandRig();
      await prepare?.(rig);
      const result = await rig.run(...words);
      expect(result.stderr).toContain(`error[${code}]: `);
      expect(result.exitCode).toBe(exitCode);
    },
  );
});
