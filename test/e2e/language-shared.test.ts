import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";
import { GitRepository, serveGit } from "../support/git-repository.ts";
import { lightbox } from "../support/lightbox-command.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("Lightfiles that stand on others", () => {
  test("are baked as one: a target by path, and a mixin of a repository, each with its own files", async () => {
    await using served = await temporaryFolder();
    const repository = await GitRepository.create(join(served.path, "parts.git"));
    await repository.commit({
      Lightfile: `MIXIN motd
ARG --required TEXT
COPY banner /etc/banner
RUN cat /etc/banner > /etc/motd && echo "$TEXT" >> /etc/motd
`,
      banner: "of the repository\n",
    });
    await using server = await serveGit(served.path);
    await using project = await bakeProject({
      "team/Lightfile": `ARG GREETING=unset
FROM BASE AS os
RESOURCES cpus=1 memory=256M disk=1G
ARG GREETING
COPY conf /etc/team.conf
RUN echo "$GREETING from the team" > /greeting
`,
      "team/conf": "of the team\n",
      conf: "of the application\n",
      Lightfile: `IMPORT ${server.url}parts.git#main AS parts
FROM --arg=GREETING=hello ./team/Lightfile#os
RESOURCES cpus=1 memory=256M disk=1G
SNAPSHOT joined
COPY conf /etc/app.conf
USE parts#motd TEXT="of the day"
TEST cat /greeting /etc/team.conf /etc/app.conf /etc/motd
`,
    });
    const bake = await project.bake(["--checkpoint=final"]);
    expect(bake.result.exitCode, bake.result.stderr + bake.result.stdout).toBe(0);
    const printed = bake.events.map((event) => (event.kind === "test-output" ? event.text : "")).join("");
    expect(printed).toBe(
      "hello from the team\nof the team\nof the application\nof the repository\nof the day\n",
    );
    const again = await project.bake();
    expect(again.ran).toEqual([]);

    // A change in the other file's folder runs what reads it, and what stands on that.
    await project.write({ "team/conf": "changed\n" });
    const changed = await lightbox(["bake", "--dry-run", project.folder]);
    expect(changed.stdout, changed.stderr).toMatch(/^will run .*COPY conf \/etc\/team\.conf/m);
    expect(changed.stdout).not.toMatch(/^cached /m);
  });
});
