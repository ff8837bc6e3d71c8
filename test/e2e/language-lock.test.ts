import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";
import { GitRepository, serveGit } from "../support/git-repository.ts";
import { lightbox, lightboxOk } from "../support/lightbox-command.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("a locked bake", () => {
  test("takes what the lock file pins, and fails where it pins nothing", async () => {
    await using served = await temporaryFolder();
    const repository = await GitRepository.create(join(served.path, "data.git"));
    const commit = await repository.commit({ version: "one\n" });
    await using server = await serveGit(served.path);
    const url = `${server.url}data.git`;
    const text = `FROM BASE
SNAPSHOT locked
RESOURCES cpus=1 memory=256M disk=1G
ADD ${url}#main /data
RUN cat /data/version
`;
    await using project = await bakeProject({ Lightfile: text });
    const missing = await lightbox(["bake", "--locked", project.folder]);
    expect(missing.exitCode).toBe(2);
    expect(missing.stderr).toContain("error[LockMissing]");

    await lightboxOk(["lock", project.folder]);
    expect(await readFile(join(project.folder, "Lightfile.lock"), "utf8")).toContain(commit);
    await repository.commit({ version: "two\n" });
    const locked = await project.bake(["--locked"]);
    expect(locked.result.exitCode, locked.result.stderr + locked.result.stdout).toBe(0);
    expect(locked.output).toBe("one\n");

    // What the file does not know yet is not guessed.
    await project.write({ Lightfile: `${text}ADD ${url} /other\n` });
    const stale = await lightbox(["bake", "--locked", project.folder]);
    expect(stale.exitCode).toBe(2);
    expect(stale.stderr).toContain("error[LockStale]");

    await project.write({ Lightfile: text });
    expect((await lightboxOk(["lock", "--update", url, project.folder])).stdout).toContain(
      `~ ${url}#main  ${commit}`,
    );
    const updated = await project.bake(["--locked"]);
    expect(updated.result.exitCode, updated.result.stderr).toBe(0);
    expect(updated.output).toBe("two\n");
    await rm(join(project.folder, "Lightfile.lock"));
  });
});
