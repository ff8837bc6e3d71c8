import { spawn } from "node:child_process";
import { mkdir, readdir, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isAsItWas } from "../../../src/cli/remembered/recall-bake.ts";
import { type RememberedBake, readRemembered } from "../../../src/cli/remembered/remembered-bake.ts";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";
import { writeTinyArchive } from "../images/tiny-image.ts";

const program = fileURLToPath(new URL("../../../src/cli/start.ts", import.meta.url));
const preload = fileURLToPath(new URL("../../support/report-touched-files.mjs", import.meta.url));
const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** Longer than the times within which a file could change and look the same; see `isRacy`. */
const pastRacesMs = 150;

const lightfile = `FROM ./base.tar
ARG GREETING=hello
COPY src/ /src/
COPY --if-exists *.conf /etc/
RUN echo $GREETING
SNAPSHOT app
`;

let rig: CommandRig;

beforeEach(async () => {
  rig = await commandRig();
  await writeTinyArchive(join(rig.folder, "base.tar"));
  await write("Lightfile", lightfile);
  await write("src/a.txt", "a");
  await symlink("a.txt", join(rig.folder, "src/link"));
  await delay(pastRacesMs);
});
afterEach(() => rig[Symbol.asyncDispose]());

async function write(path: string, text: string): Promise<void> {
  const whole = join(rig.folder, path);
  await mkdir(dirname(whole), { recursive: true });
  await writeFile(whole, text);
}

interface Baked {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Paths that were looked at, and URLs of modules that were loaded. */
  readonly touched: readonly string[];
  /** Whether the answer was remembered: nothing was parsed for it. */
  readonly isRecalled: boolean;
}

/** The program in a process of its own, as people run it. */
async function bake(words: readonly string[] = [], environment: NodeJS.ProcessEnv = {}): Promise<Baked> {
  const child = spawn(process.execPath, ["--import", preload, program, "bake", ...words], {
    cwd: rig.folder,
    env: { PATH: process.env.PATH, NO_COLOR: "1", ...rig.environment, ...environment },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const texts = ["", "", ""];
  for (const [position, stream] of [child.stdout, child.stderr, child.stdio[3]].entries()) {
    stream?.on("data", (chunk: Buffer) => {
      texts[position] += chunk.toString();
    });
  }
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout = "", stderr = "", reported = ""] = texts;
  const touched = reported.split("\n");
  const isRecalled = !touched.some((one) => one.endsWith("/lightfile/parse.ts"));
  return { exitCode, stdout, stderr, touched, isRecalled };
}

function withoutTimes(text: string): string {
  return text.replaceAll(/\d+(\.\d+)?(ms|s)\b/g, "TIME").replaceAll(/"(at|durationMs)":\d+/g, '"$1":0');
}

/** The one bake that is remembered. */
async function readOnly(): Promise<RememberedBake> {
  const folder = join(rig.home.directory, "remembered");
  const names = await readdir(folder);
  const [remembered] = names.flatMap((name) => readRemembered(join(folder, name)) ?? []);
  if (remembered === undefined || names.length > 1) throw new Error(`not one: ${names.join(", ")}`);
  return remembered;
}

describe("a bake with nothing to do", () => {
  test("is answered from memory with the same words when nothing has changed", async () => {
    const first = await bake();
    expect(first).toMatchObject({ exitCode: 0, isRecalled: false });
    const second = await bake();
    expect(second).toMatchObject({ exitCode: 0, stdout: "", isRecalled: true });
    await rm(join(rig.home.directory, "remembered"), { recursive: true });
    const thorough = await bake();
    expect(thorough.isRecalled).toBe(false);
    expect(withoutTimes(second.stderr)).toBe(withoutTimes(thorough.stderr));
  });

  test.each([["--progress=json"], ["--quiet"]])("says the same with %s", async (option) => {
    await bake([option]);
    const recalled = await bake([option]);
    await rm(join(rig.home.directory, "remembered"), { recursive: true });
    const thorough = await bake([option]);
    expect([recalled.isRecalled, thorough.isRecalled]).toEqual([true, false]);
    expect(recalled.stdout).not.toBe("");
    expect(withoutTimes(recalled.stdout)).toBe(withoutTimes(thorough.stdout));
  });

  test("rests on everything that was looked at on the way", async () => {
    await bake();
    await rm(join(rig.home.directory, "remembered"), { recursive: true });
    const { touched } = await bake();
    const { paths } = await readOnly();
    const isCache = (path: string): boolean =>
      /\/home\/(stat-cache|remembered|sources-in-use)(\/|$)/.test(path);
    const isOfProgram = (path: string): boolean =>
      path.startsWith(repository) || path.includes("/node_modules/") || path.startsWith("/proc/");
    const isAbove = (path: string): boolean => rig.folder.startsWith(`${path}/`);
    // That it is a folder is what the Lightfile in it shows.
    const known = new Set([...paths, rig.folder, rig.home.directory, ""]);
    const unknown = touched.filter((path) => !/^(file|node|data):/.test(path) && !known.has(path));
    expect(unknown.filter((path) => !isCache(path) && !isOfProgram(path) && !isAbove(path))).toEqual([]);
    expect(paths).toContain(join(rig.folder, "src/a.txt"));
  });

  const changes: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["the Lightfile", () => write("Lightfile", lightfile.replace("hello", "howdy"))],
    ["a copied file", () => write("src/a.txt", "b")],
    [
      "a link",
      () => rm(join(rig.folder, "src/link")).then(() => symlink("b.txt", join(rig.folder, "src/link"))),
    ],
    ["a new file in a copied folder", () => write("src/b.txt", "b")],
    ["a removed file", () => rm(join(rig.folder, "src/a.txt"))],
    ["a file for a wildcard that had none", () => write("x.conf", "x")],
    ["a first ignore file", () => write(".lightignore", "src/link\n")],
    ["a first lock file", () => write("Lightfile.lock", "{}")],
    ["the base image's archive", () => writeTinyArchive(join(rig.folder, "base.tar"), "other")],
    ["what is remembered of references", () => rm(join(rig.home.images, "resolved.json"))],
    ["what is remembered of the worker", () => rm(join(rig.home.directory, "index"), { recursive: true })],
    ["the history", () => rm(join(rig.home.directory, "history"), { recursive: true })],
    ["a folder in another's place", () => exchange("src", "other")],
  ];

  async function exchange(one: string, other: string): Promise<void> {
    await write(join(other, "a.txt"), "a");
    await rename(join(rig.folder, one), join(rig.folder, "aside"));
    await rename(join(rig.folder, other), join(rig.folder, one));
  }

  test.each(changes)("is thought through again after a change of %s", async (_what, change) => {
    expect(await rig.run("bake")).toMatchObject({ exitCode: 0 });
    const remembered = await readOnly();
    expect(isAsItWas(remembered, rig.environment)).toBe(true);
    await change();
    expect(isAsItWas(remembered, rig.environment)).toBe(false);
  });

  test("is another bake with other words, in another folder, and with another value of a variable it read", async () => {
    const words = ["--build-arg", "GREETING"];
    await bake(words, { GREETING: "one" });
    expect((await bake(words, { GREETING: "one", UNREAD: "1" })).isRecalled).toBe(true);
    expect((await bake(words, { GREETING: "two" })).isRecalled).toBe(false);
    expect((await bake([...words, "-q"], { GREETING: "two" })).isRecalled).toBe(false);
  });

  test("is not remembered when something that it rests on could change again and look the same", async () => {
    await write("src/a.txt", "b");
    const racy = new Date(Date.now() + 60_000);
    await utimes(join(rig.folder, "src/a.txt"), racy, racy);
    expect(await rig.run("bake")).toMatchObject({ exitCode: 0 });
    await expect(readOnly()).rejects.toThrow();
  });

  test.each([
    ["RUN --no-cache", lightfile.replace("RUN", "RUN --no-cache"), []],
    ["a file of another project", lightfile.replace("FROM ./base.tar", "FROM ../other/Lightfile"), []],
    ["--no-cache", lightfile, ["--no-cache"]],
    ["--pull", lightfile, ["--pull"]],
    ["a secret", lightfile, ["--secret", "id=a,src=src/a.txt"]],
  ])("is not remembered with %s", async (_what, text, words) => {
    await mkdir(join(rig.folder, "../other"));
    await writeTinyArchive(join(rig.folder, "../other/base.tar"));
    await write("../other/Lightfile", "FROM ./base.tar\n");
    await write("Lightfile", text);
    await delay(pastRacesMs);
    expect(await rig.run("bake", ...words)).toMatchObject({ exitCode: 0 });
    await expect(readOnly()).rejects.toThrow();
  });

  test("keeps no token and no file that others may read", async () => {
    await rig.run("bake");
    const { environment } = await readOnly();
    expect(environment).toContainEqual(["LIGHTBOX_HOST", rig.environment.LIGHTBOX_HOST]);
    expect(JSON.stringify(environment)).not.toContain(rig.environment.LIGHTBOX_TOKEN);
    const folder = join(rig.home.directory, "remembered");
    const [name = ""] = await readdir(folder);
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  });
});
