import { hash } from "node:crypto";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";
import { GitRepository, serveGit } from "../../support/git-repository.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { WebServer } from "../../support/web-server.ts";
import { writeTinyArchive } from "../images/tiny-image.ts";

/** The command line with a base image in `base.tar`; the Lightfile is FROM that, with these lines. */
async function rigWith(...lines: readonly string[]): Promise<CommandRig> {
  const rig = await commandRig();
  await writeTinyArchive(join(rig.folder, "base.tar"), "base");
  await write(rig, ...lines);
  return rig;
}

async function write(rig: CommandRig, ...lines: readonly string[]): Promise<void> {
  const text = ["FROM ./base.tar", "SNAPSHOT app", ...lines, ""].join("\n");
  await writeFile(join(rig.folder, "Lightfile"), text);
}

async function lockOf(rig: CommandRig) {
  const { git, urls } = JSON.parse(await readFile(join(rig.folder, "Lightfile.lock"), "utf8"));
  return { git, urls };
}

function sha256(text: string): string {
  return `sha256:${hash("sha256", text, "hex")}`;
}

test("lightbox lock pins no scratch, which cannot come to mean another image", async () => {
  await using rig = await commandRig();
  await writeFile(join(rig.folder, "Lightfile"), "FROM scratch\nSNAPSHOT app\nCOPY Lightfile /\n");
  expect((await rig.run("lock")).stdout).toBe("Lightfile.lock: 0 pins\n");
  expect((await rig.run("bake", "--locked")).exitCode).toBe(0);
});

describe("lightbox lock of URLs", () => {
  test("pins what a server sends, and leaves alone what the file pins itself", async () => {
    await using server = await WebServer.start();
    server.on("/tool.tgz", "the tool");
    server.on("/other", "other");
    const url = server.url("/tool.tgz");
    await using rig = await rigWith(
      `ADD ${url} /opt/`,
      `ADD --checksum=${sha256("other")} ${server.url("/other")} /other`,
    );
    expect((await rig.run("lock")).stdout).toContain(`\n+ ${url}  ${sha256("the tool")}\nLightfile.lock: `);
    expect(await lockOf(rig)).toEqual({ git: [], urls: [{ url, sha256: sha256("the tool") }] });
    expect(server.asked).toEqual(["/tool.tgz"]);
    expect((await rig.run("lock")).stdout).toBe("Lightfile.lock is up to date\n");
  });

  test("holds bakes to the pin, which asks nobody, until it is told to move", async () => {
    await using server = await WebServer.start();
    server.on("/tool", "first");
    const url = server.url("/tool");
    await using rig = await rigWith(`ADD ${url} /opt/`);
    await rig.run("lock");
    server.on("/tool", "second");
    const asked = server.asked.length;
    expect((await rig.run("bake", "--locked")).exitCode).toBe(0);
    expect((await rig.run("lock")).stdout).toBe("Lightfile.lock is up to date\n");
    expect(server.asked).toHaveLength(asked);
    expect((await rig.run("lock", "--update", url)).stdout).toContain(
      `~ ${url}  ${sha256("first")} → ${sha256("second")}\n`,
    );
    expect((await rig.run("bake", "--locked")).exitCode).toBe(0);
  });

  test("refuses what is not the pinned file any more where it was never fetched", async () => {
    await using server = await WebServer.start();
    server.on("/tool", "second");
    await using rig = await rigWith(`ADD ${server.url("/tool")} /opt/`);
    await rig.run("lock");
    const path = join(rig.folder, "Lightfile.lock");
    await writeFile(path, (await readFile(path, "utf8")).replace(sha256("second"), sha256("first")));
    const { exitCode, stderr } = await rig.run("bake", "--locked");
    expect([exitCode, stderr]).toEqual([
      2,
      expect.stringContaining("Lightfile:3:5: error[ChecksumMismatch]"),
    ]);
  });

  test("tells every address that gives nothing at its place, and writes no lock then", async () => {
    await using server = await WebServer.start();
    server.on("/there", "there");
    await using rig = await rigWith(
      `ADD ${server.url("/there")} /a`,
      `ADD ${server.url("/gone")} /b`,
      `ADD ${server.url("/gone-too")} /c`,
    );
    const { exitCode, stderr } = await rig.run("lock");
    expect(exitCode).toBe(2);
    expect([...stderr.matchAll(/^(\S+?): error\[(\w+)\]/gm)].map((match) => match.slice(1))).toEqual([
      ["Lightfile:4:5", "DownloadRefused"],
      ["Lightfile:5:5", "DownloadRefused"],
    ]);
    await expect(lockOf(rig)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("lightbox lock of repositories", () => {
  test("pins the commits of branches and tags over HTTP, for FROM, IMPORT and ADD alike", async () => {
    await using folder = await temporaryFolder();
    const repository = await GitRepository.create(join(folder.path, "tools.git"));
    const first = await repository.commit({ Lightfile: "MIXIN node\nRUN one\n", "bin/tool": "tool" });
    await repository.git("tag", "--annotate", "--message=v1", "v1");
    const second = await repository.commit({ "bin/tool": "better" });
    await using server = await serveGit(folder.path);
    const url = `${server.url}tools.git`;
    await using rig = await rigWith();
    await writeFile(
      join(rig.folder, "Lightfile"),
      `IMPORT ${url}#v1 AS tools
FROM ./base.tar
SNAPSHOT app
USE tools#node
ADD ${url}#main:bin /opt/
ADD ${url}#${first} /old/
`,
    );
    const { exitCode, stdout, stderr } = await rig.run("lock");
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain(`+ ${url}#v1  ${first}\n`);
    expect(stdout).toContain(`+ ${url}#main  ${second}\n`);
    expect((await lockOf(rig)).git).toEqual([
      { url, ref: "main", commit: second },
      { url, ref: "v1", commit: first },
    ]);
    const asked = server.requests.length;
    expect(await rig.run("bake", "--locked")).toMatchObject({ exitCode: 0 });
    expect(server.requests).toHaveLength(asked);
  });

  describe("over ssh", () => {
    afterEach(() => {
      delete process.env.GIT_SSH_COMMAND;
    });

    /** Instead of ssh: takes note of where git wanted to go, and runs on this host what it wanted to run there. */
    async function pretendSsh(folder: string): Promise<() => Promise<readonly string[]>> {
      const script = join(folder, "ssh");
      const notes = join(folder, "notes");
      await writeFile(
        script,
        `#!/bin/sh\nfor last; do :; done\necho "$*" >>'${notes}'\nexec sh -c "$last"\n`,
      );
      await chmod(script, 0o755);
      process.env.GIT_SSH_COMMAND = script;
      return async () => (await readFile(notes, "utf8")).trim().split("\n");
    }

    test.each([
      ["git@example.org:PATH", /(?:^| )git@example\.org git-upload-pack 'PATH'$/],
      ["ssh://git@example.org:2222PATH", /-p 2222 git@example\.org git-upload-pack 'PATH'$/],
      ["ssh://example.orgPATH", /(?:^| )example\.org git-upload-pack 'PATH'$/],
    ])("%s leads to its host, user and port", async (form, wanted) => {
      await using folder = await temporaryFolder();
      const repository = await GitRepository.create(join(folder.path, "tools.git"));
      const commit = await repository.commit({ Lightfile: "FROM ./base AS tools\n", "bin/tool": "tool" });
      const asked = await pretendSsh(folder.path);
      const url = form.replace("PATH", repository.directory);
      await using rig = await rigWith(`ADD ${url}#main:bin /opt/`);
      const { exitCode, stderr } = await rig.run("lock");
      expect(exitCode, stderr).toBe(0);
      expect((await lockOf(rig)).git).toEqual([{ url, ref: "main", commit }]);
      const [first = ""] = await asked();
      expect(first.replace(repository.directory, "PATH")).toMatch(wanted);
    });

    test("says which host cannot be reached, at the word that names it", async () => {
      await using rig = await rigWith("ADD ssh://git@127.0.0.1:1/tools.git#main /opt/");
      const { exitCode, stderr } = await rig.run("lock");
      expect(exitCode).toBe(3);
      expect(stderr).toContain("Lightfile:3:5: error[GitUnreachable]: ssh://git@127.0.0.1:1/tools.git");
      expect(stderr).toContain("try `git ls-remote` with it");
    });
  });

  test("says so where nobody listens, and where there is no such repository or branch", async () => {
    await using folder = await temporaryFolder();
    const repository = await GitRepository.create(join(folder.path, "tools.git"));
    await repository.commit({ Lightfile: "FROM ./base AS tools\n" });
    await using server = await serveGit(folder.path);
    await using rig = await rigWith("ADD http://127.0.0.1:1/tools.git#main /opt/");
    expect(await rig.run("lock")).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("error[GitUnreachable]: http://127.0.0.1:1/tools.git"),
    });
    await write(rig, `ADD ${server.url}tolls.git#main /a`, `ADD ${server.url}tools.git#mian /b`);
    const { exitCode, stderr } = await rig.run("lock");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("Lightfile:3:5: error[GitRepositoryUnknown]");
    expect(stderr).toContain("Lightfile:4:5: error[GitRefUnknown]");
    expect(stderr).toContain("did you mean main?");
  });
});
