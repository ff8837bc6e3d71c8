import { mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SourcesInUse } from "../../../src/cli/sources-in-use.ts";
import { openImageStore } from "../../../src/images/image-store.ts";
import { PinnedGit } from "../../../src/sources/pinned-git.ts";
import { noPins } from "../../../src/sources/pins.ts";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";
import { GitRepository } from "../../support/git-repository.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { WebServer } from "../../support/web-server.ts";
import { writeTinyArchive } from "../images/tiny-image.ts";

/** Bakes `app` on a base image with that content; resolves with the image's digest. */
async function bakeOn(rig: CommandRig, content: string): Promise<string> {
  const digest = await writeTinyArchive(join(rig.folder, "base.tar"), content);
  await writeFile(join(rig.folder, "Lightfile"), `FROM ./base.tar\nSNAPSHOT app\nRUN echo on ${content}\n`);
  const { exitCode, stderr } = await rig.run("bake", "--progress=plain");
  expect(exitCode, stderr).toBe(0);
  return digest;
}

/** As if nobody had used any image for a year. */
async function age(rig: CommandRig): Promise<void> {
  const blobs = join(rig.home.images, "blobs", "sha256");
  const yearAgo = new Date(Date.now() - 365 * 24 * 3600e3);
  for (const name of await readdir(blobs)) await utimes(join(blobs, name), yearAgo, yearAgo);
}

function blobsOf(rig: CommandRig): Promise<readonly string[]> {
  return openImageStore(rig.home.images).content.list();
}

test("prune removes the layers and base images that neither a snapshot nor a Lightfile's last bake stands on", async () => {
  await using rig = await commandRig();
  const first = await bakeOn(rig, "first");
  const second = await bakeOn(rig, "second");
  await age(rig);

  // `app@previous` stands on the first.
  expect((await rig.run("prune")).stdout).toMatch(
    /^layers: freed 0 B, .+ left\nbase images on this host: freed 0 B, /,
  );
  await rig.run("snapshots", "rm", "app@previous");
  const before = await blobsOf(rig);
  const dryRun = await rig.run("prune", "--dry-run");
  expect(dryRun.stdout).toMatch(/^[0-9a-f]{12} {2}.+ {2}RUN echo on first\nlayers: would free .+\n/);
  expect(dryRun.stdout).toMatch(
    /base images on this host: would free [1-9].+ would be left\nfetched sources on this host: would free 0 B, 0 B would be left\n$/,
  );
  expect(await blobsOf(rig)).toEqual(before);

  const pruned = await rig.run("prune");
  expect(pruned).toMatchObject({
    exitCode: 0,
    stdout: dryRun.stdout.replaceAll("would free", "freed").replaceAll("would be left", "left"),
  });
  const left = await blobsOf(rig);
  expect(left).not.toContain(first);
  expect(left).toContain(second);
});

test("a Lightfile's last bake keeps its image without a snapshot, as long as the Lightfile is there", async () => {
  await using rig = await commandRig();
  const digest = await bakeOn(rig, "only");
  rig.worker.store.snapshots.clear();
  await age(rig);
  await rig.run("prune");
  expect(await blobsOf(rig)).toContain(digest);
  await rm(join(rig.folder, "Lightfile"));
  await rig.run("prune", "--older-than", "500d");
  expect(await blobsOf(rig)).toContain(digest);
  await rig.run("prune", "--older-than", "30d");
  expect(await blobsOf(rig)).toEqual([]);
});

test("says when more is needed than the size that was to be kept", async () => {
  await using rig = await commandRig();
  await bakeOn(rig, "only");
  const { exitCode, stderr } = await rig.run("prune", "--keep-storage", "1");
  expect(exitCode).toBe(0);
  expect(stderr).toContain("that is more than 1 B: snapshots and sandboxes need the rest");
  expect((await rig.run("prune", "--keep-storage", "1T")).stderr).toBe("");
});

test("a size or an age that is none is refused", async () => {
  await using rig = await commandRig();
  const size = await rig.run("prune", "--keep-storage", "much");
  expect(size).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("500M or 10G") });
  const age = await rig.run("prune", "--older-than", "yesterday");
  expect(age).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("12h or 7d") });
});

/** As if the fetched file had last been used so long ago. */
async function ageDownloads(rig: CommandRig, ageMs: number): Promise<readonly string[]> {
  const folder = join(rig.home.directory, "downloads");
  const then = new Date(Date.now() - ageMs);
  const names = (await readdir(folder)).filter((name) => name !== "urls");
  for (const name of names) await utimes(join(folder, name), then, then);
  return names;
}

test("prune removes what was fetched a week ago, but not what a bake that goes on may have taken", async () => {
  await using rig = await commandRig();
  await using server = await WebServer.start();
  server.on("/a.txt", "the file");
  await writeTinyArchive(join(rig.folder, "base.tar"), "any");
  const lightfile = `FROM ./base.tar\nSNAPSHOT app\nADD ${server.url("/a.txt")} /a\n`;
  await writeFile(join(rig.folder, "Lightfile"), lightfile);
  expect((await rig.run("bake")).exitCode).toBe(0);
  const dayMs = 24 * 3600e3;
  expect(await ageDownloads(rig, 6 * dayMs)).toHaveLength(1);
  expect((await rig.run("prune")).stdout).toMatch(/fetched sources on this host: freed 0 B, [1-9].+ left\n$/);

  const [kept] = await ageDownloads(rig, 8 * dayMs);
  const bakeThatGoesOn = new SourcesInUse(rig.home.directory, () => Date.now() - 9 * dayMs);
  await bakeThatGoesOn.announce();
  expect((await rig.run("prune")).stdout).toContain("fetched sources on this host: freed 0 B");
  await bakeThatGoesOn[Symbol.asyncDispose]();
  const oneThatBeganLater = new SourcesInUse(rig.home.directory, Date.now);
  await oneThatBeganLater.announce();
  const dryRun = await rig.run("prune", "--dry-run");
  expect(dryRun.stdout).toMatch(
    new RegExp(`\nsource +.+ ${server.url("/a.txt")}\nfetched sources .+ would free [1-9]`),
  );
  expect(await readdir(join(rig.home.directory, "downloads"))).toContain(kept);
  await rig.run("prune");
  await oneThatBeganLater[Symbol.asyncDispose]();
  expect(await readdir(join(rig.home.directory, "downloads"))).toEqual(["urls"]);
  expect(await readdir(join(rig.home.directory, "downloads", "urls"))).toEqual([]);
  expect((await rig.run("bake")).exitCode).toBe(0);
  expect(await readdir(join(rig.home.directory, "sources-in-use"))).toEqual([]);
});

/** What is in the folder of those that take sources while the server is asked for a file, and after the bake. */
async function notesOfBake(rig: CommandRig, instruction: string): Promise<readonly (readonly string[])[]> {
  const folder = join(rig.home.directory, "sources-in-use");
  const notes = async (): Promise<readonly string[]> => await readdir(folder).catch(() => ["no folder"]);
  await using server = await WebServer.start();
  const seen: Promise<readonly string[]>[] = [];
  server.on("/a.txt", (_request, response) => {
    seen.push(notes());
    response.end("the file");
  });
  await writeTinyArchive(join(rig.folder, "base.tar"), "any");
  const text = instruction.replaceAll("URL", server.url("/a.txt"));
  await writeFile(join(rig.folder, "Lightfile"), `FROM ./base.tar\nSNAPSHOT app\n${text}\n`);
  expect((await rig.run("bake")).exitCode).toBe(0);
  return [...(await Promise.all(seen)), await notes()];
}

test("a bake says that it takes sources before it asks for the first, and until it ends", async () => {
  await using rig = await commandRig();
  const [meanwhile, after] = await notesOfBake(rig, "ADD URL /a\nADD URL /b");
  expect(meanwhile).toEqual([expect.stringMatching(/^\d+-\w+\.\d+\.[0-9a-f]+$/)]);
  expect(after).toEqual([]);
});

test("a bake that takes no sources writes nothing about them", async () => {
  await using rig = await commandRig();
  expect(await notesOfBake(rig, "RUN echo")).toEqual([["no folder"]]);
});

test("a repository that is kept from before is said to be in use as well", async () => {
  await using folder = await temporaryFolder();
  const home = join(folder.path, "home");
  const repository = await GitRepository.create(join(folder.path, "tools.git"));
  await repository.commit({ "a.txt": "a" });
  const seen: (readonly string[])[] = [];
  const beforeSource = async (): Promise<void> => {
    seen.push(await readdir(join(home, "git")).catch(() => []));
  };
  const git = new PinnedGit({ homeDirectory: home, pins: noPins, beforeSource });
  for (let times = 0; times < 2; times += 1) {
    await git.fetch({ url: repository.url, ref: "main" }, new AbortController().signal);
  }
  expect(seen.map((kept) => kept.length)).toEqual([0, 1]);
});

test("prune forgets bakes whose process is gone", async () => {
  await using rig = await commandRig();
  const folder = join(rig.home.directory, "sources-in-use");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "999999999-0.1.a"), "");
  expect((await rig.run("prune")).exitCode).toBe(0);
  expect(await readdir(folder)).toEqual([]);
});
