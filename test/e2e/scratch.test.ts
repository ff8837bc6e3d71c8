import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { busyboxRoot } from "../../examples/base/busybox-root.ts";
import { rootTar } from "../../examples/base/root-tar.ts";
import { writeOciArchive } from "../../src/images/layout-writer.ts";
import { type BakeProject, bakeProject } from "../support/bake-project.ts";
import { type BakeReport, lightboxOk } from "../support/lightbox-command.ts";

const resources = "RESOURCES cpus=1 memory=256M disk=1G";

/** An image as many are made FROM scratch: a program, a USER that is a number, and no accounts. */
async function writeBareImage(path: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "lightbox-bare-"));
  const entries = async function* () {
    for await (const entry of busyboxRoot(work)) if (entry.path === "bin/busybox") yield entry;
  };
  try {
    await writeOciArchive(path, {
      rootfs: rootTar(entries()),
      settings: { User: "1234:56", WorkingDir: "/work" },
      platform: { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64", variant: null },
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

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

  test("boots sandboxes that run a program which needs nothing else, also by itself", async () => {
    const name = "scratch-detached";
    await lightboxOk(["run", "-d", "--name", name, "from-scratch"]);
    const printed = async () =>
      (await lightboxOk(["exec", name, "--", "/busybox", "cat", "/tmp/lightbox-run.log"])).stdout;
    await expect.poll(printed, { timeout: 30_000 }).toBe("hello\n");
    await lightboxOk(["rm", "-f", name]);
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

  test("of somebody else, with a USER and no accounts, is a base as well", async () => {
    await writeBareImage(join(project.folder, "bare.tar"));
    await project.write({
      Lightfile: `FROM ./bare.tar
${resources}
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox id -u; /bin/busybox id -g; /bin/busybox pwd"]
`,
    });
    const onBare = await project.bake();
    expect(onBare.result.exitCode, onBare.result.stderr).toBe(0);
    expect(onBare.output).toBe("1234\n56\n/work\n");
  });
});
