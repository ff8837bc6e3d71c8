import { describe, expect, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";
import { lightbox } from "../support/lightbox-command.ts";

const resources = "RESOURCES cpus=1 memory=256M disk=1G\n";
const head = `FROM BASE\nSNAPSHOT failing\n${resources}`;

describe("a failing step", () => {
  test("is shown with its place, output and exit code, can be looked into, and the next bake resumes after the last good one", async () => {
    const lightfile = (failing: string): string => `FROM BASE AS other
${resources}RUN echo other stage > /other
${head}COPY --from=other /other /other
RUN echo good > /good
${failing}
RUN cat /other /good /half
`;
    await using project = await bakeProject({
      Lightfile: lightfile("RUN echo half > /half; echo the reason >&2; exit 7"),
    });

    // The bake fails in the second stage, which has taken something from the first.
    const plain = await lightbox(["bake", "--progress=plain", "--checkpoint=every", project.folder]);
    expect(plain.exitCode).toBe(1);
    expect(plain.stderr).toContain("Lightfile:9:1");
    expect(plain.stderr).toContain("the reason");
    expect(plain.stderr).toContain("exit code 7");
    expect(plain.stderr).toContain("lightbox debug");

    // No name is published.
    expect((await lightbox(["run", "--rm", "failing", "--", "true"])).exitCode).toBe(2);

    // Its disk is kept as it failed.
    const debug = await lightbox(["debug", project.folder, "cat", "/good", "/half"]);
    expect(debug.stdout, debug.stderr).toBe("good\nhalf\n");

    // Its output is kept.
    const logs = await lightbox(["logs", project.folder]);
    expect(logs.stdout, logs.stderr).toContain("the reason");

    // Mended, only it and the step after it run: what the other stage sealed is there, too.
    await project.write({ Lightfile: lightfile("RUN echo mended > /half") });
    const mended = await project.bake();
    expect(mended.ran).toEqual(["RUN echo mended > /half", "RUN cat /other /good /half"]);
    expect(mended.cached).toContain("RUN echo other stage > /other");
    expect(mended.output).toBe("other stage\ngood\nmended\n");
    expect(mended.events.at(-1)).toMatchObject({ outcome: "completed", snapshot: "failing" });
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
});
