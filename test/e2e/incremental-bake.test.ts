import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BakeProject, bakeProject } from "../support/bake-project.ts";
import { lightboxOk } from "../support/lightbox-command.ts";

const lightfile = (middle: string, greeting = "hello"): string => `FROM BASE
SNAPSHOT incremental
RESOURCES cpus=1 memory=256M disk=1G
RUN ["/bin/sh", "-c", "echo first > /first"]
RUN echo ${middle} > /middle
ENV GREETING=${greeting}
WORKDIR /data
COPY src src
RUN echo "$GREETING" | tee greeting
`;

const titles = {
  first: 'RUN ["/bin/sh", "-c", "echo first > /first"]',
  middle: (middle: string) => `RUN echo ${middle} > /middle`,
  copy: "COPY src src",
  greeting: 'RUN echo "$GREETING" | tee greeting',
};

describe("baking again", () => {
  let project: BakeProject;

  beforeAll(async () => {
    project = await bakeProject({
      Lightfile: lightfile("one"),
      ".lightignore": "**/*.log\n",
      "src/a.txt": "a\n",
      "src/sub/b.txt": "b\n",
    });
  });
  afterAll(() => project[Symbol.asyncDispose]());

  test("a first bake runs every step and publishes the snapshot", async () => {
    const bake = await project.bake();
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    expect(bake.ran).toEqual([titles.first, titles.middle("one"), titles.copy, titles.greeting]);
    expect(bake.events.at(-1)).toMatchObject({
      kind: "bake-completed",
      outcome: "completed",
      snapshot: "incremental",
    });
  });

  test("the same bake again starts no virtual machine", async () => {
    const bake = await project.bake();
    expect(bake.result.exitCode).toBe(0);
    expect(bake.ran).toEqual([]);
    expect(bake.buildersStarted).toBe(0);
    expect(bake.cached).toHaveLength(4);
  });

  test("a RUN edited in the middle reruns that step and those after it, no other", async () => {
    await project.write({ Lightfile: lightfile("two") });
    const bake = await project.bake();
    expect(bake.ran).toEqual([titles.middle("two"), titles.copy, titles.greeting]);
    expect(bake.cached).toEqual([titles.first]);
    const files = ["cat", "/first", "/middle", "greeting", "src/sub/b.txt"];
    expect(await project.run("incremental", files)).toBe("first\ntwo\nhello\nb\n");
    // The name of before still gives what the first bake made.
    expect(await project.run("incremental@previous", files)).toBe("first\none\nhello\nb\n");
  });

  test("an edited file reruns the COPY and the steps after it", async () => {
    await project.write({ "src/sub/b.txt": "changed\n" });
    const dryRun = await lightboxOk(["bake", "--dry-run", project.folder]);
    expect(dryRun.stdout).toContain("src/sub/b.txt");
    const bake = await project.bake();
    expect(bake.ran).toEqual([titles.copy, titles.greeting]);
  });

  test("a file that is only touched reruns nothing", async () => {
    const now = new Date();
    await utimes(join(project.folder, "src/a.txt"), now, now);
    expect((await project.bake()).ran).toEqual([]);
  });

  test("a file that .lightignore excludes reruns nothing", async () => {
    await project.write({ "src/noise.log": "noise\n" });
    expect((await project.bake()).ran).toEqual([]);
  });

  test("an ENV reruns the steps that read it, and nothing before", async () => {
    await project.write({
      Lightfile: lightfile("two", "good day").replace("GREETING=good day", 'GREETING="good day"'),
    });
    const dryRun = await lightboxOk(["bake", "--dry-run", project.folder]);
    expect(dryRun.stdout).toContain("GREETING");
    const bake = await project.bake();
    expect(bake.ran).toEqual([titles.greeting]);
    expect(bake.output).toBe("good day\n");
  });

  test("a change taken back finds the layers of before", async () => {
    await project.write({ Lightfile: lightfile("two") });
    const bake = await project.bake();
    expect(bake.ran).toEqual([]);
    expect(await project.run("incremental", ["cat", "greeting", "src/sub/b.txt"])).toBe("hello\nchanged\n");
  });
});
