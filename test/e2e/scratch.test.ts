import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BakeProject, bakeProject } from "../support/bake-project.ts";
import type { BakeReport } from "../support/lightbox-command.ts";

const resources = "RESOURCES cpus=1 memory=256M disk=1G";

describe("FROM scratch", () => {
  let project: BakeProject;
  let bake: BakeReport;

  beforeAll(async () => {
    project = await bakeProject({
      text: "hello\n",
      Lightfile: `FROM scratch AS files
${resources}
COPY --from=BASE /bin/busybox /
COPY text /deep/er/

FROM files AS program
SNAPSHOT from-scratch
${resources}
COPY --from=files / /copy/
RUN ["/busybox", "find", "/copy"]
USER root
ENTRYPOINT ["/busybox"]
CMD ["cat", "/deep/er/text"]

FROM scratch AS no-shell
${resources}
RUN echo hello
`,
    });
    bake = await project.bake(["--target=program"]);
  });

  afterAll(() => project[Symbol.asyncDispose]());

  test("holds what was copied, and nothing of what every boot makes", () => {
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    expect(bake.output.split("\n").sort()).toEqual([
      "",
      "/copy",
      "/copy/busybox",
      "/copy/deep",
      "/copy/deep/er",
      "/copy/deep/er/text",
    ]);
  });

  test("boots sandboxes that run a program which needs nothing else", async () => {
    expect(await project.run("from-scratch", [])).toBe("hello\n");
  });

  test("has no shell, and a step that needs one says so", async () => {
    const failed = await project.bake(["--target=no-shell"]);
    expect(failed.result.exitCode).toBe(1);
    expect(failed.events).toContainEqual(
      expect.objectContaining({
        kind: "step-failed",
        outputTail: ["lightbox: /bin/sh: not found"],
        hint: expect.stringContaining("the stage has no /bin/sh, "),
      }),
    );
  });
});
