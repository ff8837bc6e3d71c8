import { describe, expect, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";
import { lightbox } from "../support/lightbox-command.ts";

const head = "FROM BASE\nSNAPSHOT failing\nRESOURCES cpus=1 memory=256M disk=1G\n";

describe("a failing step", () => {
  test("is shown with its place, output and exit code, can be looked into, and the next bake resumes after the last good one", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}RUN echo good > /good\nRUN echo half > /half; echo the reason >&2; exit 7\nRUN echo last > /last\n`,
    });

    // The bake fails at the second step.
    const plain = await lightbox(["bake", "--progress=plain", "--checkpoint=every", project.folder]);
    expect(plain.exitCode).toBe(1);
    expect(plain.stderr).toContain("Lightfile:5:1");
    expect(plain.stderr).toContain("the reason");
    expect(plain.stderr).toContain("exit code 7");
    expect(plain.stderr).toContain("lightbox debug");

    // No name is published.
    expect((await lightbox(["run", "--rm", "failing", "--", "true"])).exitCode).toBe(2);

    // Its disk is kept as it failed.
    const debug = await lightbox(["debug", project.folder, "cat", "/good", "/half"]);
    expect(debug.stdout, debug.stderr).toBe("good\nhalf\n");

    // Its output is kept.
    const logs = await lightbox(["logs", project.folder, "2"]);
    expect(logs.stdout, logs.stderr).toContain("the reason");

    // Mended, only it and the step after it run.
    await project.write({
      Lightfile: `${head}RUN echo good > /good\nRUN echo mended > /half\nRUN echo last > /last\n`,
    });
    const mended = await project.bake();
    expect(mended.ran).toEqual(["RUN echo mended > /half", "RUN echo last > /last"]);
    expect(await project.run("failing", ["cat", "/good", "/half", "/last"])).toBe("good\nmended\nlast\n");
  });

  test("with --debug leaves the very builder running", async () => {
    await using project = await bakeProject({ Lightfile: `${head}RUN echo kept > /tmp/kept; exit 3\n` });
    const bake = await project.bake(["--debug"]);
    expect(bake.result.exitCode).toBe(1);
    const failed = bake.events.find((event) => event.kind === "step-failed");
    expect(failed?.keptBuilder).toBeTypeOf("string");
    const name = failed?.keptBuilder ?? "";
    try {
      const look = await lightbox(["exec", name, "cat", "/tmp/kept"]);
      expect(look.stdout, look.stderr).toBe("kept\n");
    } finally {
      await lightbox(["rm", "-f", name]);
    }
  });

  test("in one stage leaves what other stages sealed", async () => {
    await using project = await bakeProject({
      Lightfile: `FROM BASE AS good
RESOURCES cpus=1 memory=256M disk=1G
RUN echo good stage > /good

FROM BASE
RESOURCES cpus=1 memory=256M disk=1G
SNAPSHOT failing-stage
COPY --from=good /good /good
RUN false
`,
    });
    const bake = await project.bake();
    expect(bake.result.exitCode).toBe(1);
    const again = await project.bake();
    expect(again.cached).toContain("RUN echo good stage > /good");
  });
});
