import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BakeProject, bakeProject } from "../support/bake-project.ts";
import { freePort } from "../support/free-port.ts";
import { type CommandResult, lightbox, lightboxOk } from "../support/lightbox-command.ts";

let project: BakeProject;

beforeAll(async () => {
  project = await bakeProject({
    Lightfile: `FROM BASE
SNAPSHOT sandboxes
RESOURCES cpus=1 memory=256M disk=1G
ENV FROM_LIGHTFILE=yes
RUN mkdir /www && echo "served by a sandbox" > /www/index.html && echo 0123456789abcdef0123456789abcdef > /etc/machine-id
WORKDIR /www
`,
  });
  const bake = await project.bake();
  expect(bake.result.exitCode, bake.result.stderr).toBe(0);
});

afterAll(() => project[Symbol.asyncDispose]());

describe("a sandbox", () => {
  let first: CommandResult;

  beforeAll(async () => {
    const script =
      'echo changed > index.html; cat index.html /etc/machine-id; cat; echo "$GIVEN $FROM_LIGHTFILE"; exit 42';
    const words = ["run", "--rm", "-i", "-e", "GIVEN=here", "sandboxes", "--", "sh", "-c", script];
    first = await lightbox(words, { input: "through standard input\n" });
  });

  test("sees the snapshot's files, cannot change them for the next one, and has a machine id of its own", async () => {
    const second = await project.run("sandboxes", ["cat", "index.html", "/etc/machine-id"]);
    expect(first.stdout, first.stderr).toMatch(/^changed\n[0-9a-f]{32}\n/);
    expect(second).toMatch(/^served by a sandbox\n[0-9a-f]{32}\n$/);
    const ids = [first.stdout, second].map((text) => text.split("\n")[1]);
    expect(new Set([...ids, "0123456789abcdef0123456789abcdef"]).size).toBe(3);
  });

  test("passes on exit codes, standard input, and variables", () => {
    expect(first.stdout, first.stderr).toMatch(/\nthrough standard input\nhere yes\n$/);
    expect(first.exitCode).toBe(42);
  });

  test("in the background can be listed, reached, entered, stopped and removed", async () => {
    const port = await freePort();
    const volume = `sandboxes-${process.pid}`;
    await lightboxOk(["volumes", "create", volume, "--label", "of=tests"]);
    const started = await lightboxOk([
      "run",
      "-d",
      "--name",
      "background",
      "-p",
      `${port}:8080`,
      "-v",
      `${volume}:/data`,
      "sandboxes",
    ]);
    expect(started.stdout).toBe("background\n");
    try {
      expect((await lightboxOk(["ps"])).stdout).toMatch(
        new RegExp(`background +running +sandboxes .*127\\.0\\.0\\.1:${port}`),
      );

      // Its files can be looked at and changed, and a port reached from this host.
      await lightboxOk([
        "exec",
        "background",
        "--",
        "sh",
        "-c",
        "httpd -p 8080 -h /www; echo kept > /data/file",
      ]);
      const response = await fetch(`http://127.0.0.1:${port}/index.html`);
      expect(await response.text()).toBe("served by a sandbox\n");

      // A rebake does not disturb it.
      await project.write({
        Lightfile:
          "FROM BASE\nSNAPSHOT sandboxes\nRESOURCES cpus=1 memory=256M disk=1G\nRUN mkdir /www && echo new > /www/index.html && echo 0123456789abcdef0123456789abcdef > /etc/machine-id\nWORKDIR /www\n",
      });
      expect((await project.bake()).result.exitCode).toBe(0);
      expect((await lightboxOk(["exec", "background", "cat", "/www/index.html"])).stdout).toBe(
        "served by a sandbox\n",
      );

      expect((await lightbox(["rm", "background"])).exitCode).toBe(2);
      await lightboxOk(["stop", "background"]);
      expect((await lightboxOk(["ps"])).stdout).toMatch(/background +stopped/);

      // Its volume goes when it is gone.
      expect((await lightboxOk(["volumes"])).stdout).toMatch(new RegExp(`${volume} +.+ +of=tests`));
      const refused = await lightbox(["volumes", "rm", volume]);
      expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
      expect(refused.stderr).toContain(
        `error[VolumeInUse]: volume ${volume} is mounted by sandbox background`,
      );
    } finally {
      await lightbox(["rm", "-f", "background"]);
    }
    expect((await lightboxOk(["volumes", "rm", volume])).stdout).toBe(`${volume}\n`);
    expect((await lightboxOk(["volumes"])).stdout).not.toContain(volume);
    expect((await lightboxOk(["ps", "-q"])).stdout).not.toContain("background");
  });

  test("that wants a port in use is refused, and does not stay", async () => {
    const port = await freePort();
    const server = createServer().listen(port, "127.0.0.1");
    try {
      const words = ["run", "--rm", "--name", "portless", "-p", `${port}:80`, "sandboxes", "--", "true"];
      const refused = await lightbox(words);
      expect(refused.stderr).toContain("error[PortInUse]");
      expect(refused.exitCode).toBe(3);
    } finally {
      server.close();
    }
    expect((await lightboxOk(["ps", "-q"])).stdout).not.toContain("portless");
  });

  test("that does not exist, or a snapshot that does not, is named with what was meant", async () => {
    const snapshot = await lightbox(["run", "--rm", "sandboxxes", "--", "true"]);
    expect(snapshot.exitCode).toBe(2);
    expect(snapshot.stderr).toContain("did you mean sandboxes?");
    const sandbox = await lightbox(["exec", "nobody", "true"]);
    expect(sandbox.exitCode).toBe(2);
    expect(sandbox.stderr).toContain("error[UnknownSandbox]");
  });
});

describe("pruning", () => {
  test("frees the layers that no snapshot needs, and no other", async () => {
    await using other = await bakeProject({
      Lightfile:
        "FROM BASE\nSNAPSHOT doomed\nRESOURCES cpus=1 memory=256M disk=1G\nRUN echo doomed > /doomed\n",
    });
    expect((await other.bake()).result.exitCode).toBe(0);
    await lightboxOk(["snapshots", "rm", "doomed"]);
    const dryRun = await lightboxOk(["prune", "--dry-run"]);
    expect(dryRun.stdout).toContain("RUN echo doomed > /doomed");
    await lightboxOk(["prune"]);

    // The pruned step runs again although the client remembers it; a snapshot that is still named is whole.
    expect((await other.bake()).ran).toEqual(["RUN echo doomed > /doomed"]);
    expect(await project.run("sandboxes", ["cat", "/www/index.html"])).not.toBe("");
  });
});
