import { describe, expect, inject, type TestContext, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";
import { bakeWithEvents, lightbox } from "../support/lightbox-command.ts";
import { usesMachine } from "../support/machine-shell.ts";
import { startedMachine } from "../support/real-worker.ts";
import { TestRegistry } from "../support/registry.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** The environment of a client that has nothing of its own but an address and a token. */
async function clientOf(home: string, context: TestContext): Promise<Readonly<Record<string, string>>> {
  if (!(await usesMachine())) context.skip("the machine's worker is the one that is elsewhere here");
  const { url, token } = (await startedMachine()).endpoint;
  return { LIGHTBOX_HOME: home, LIGHTBOX_HOST: url, LIGHTBOX_TOKEN: token };
}

describe("a worker elsewhere", () => {
  test("bakes on a base from a registry that only the client can reach, and runs sandboxes", async (context) => {
    await using home = await temporaryFolder();
    const environment = await clientOf(home.path, context);
    await using registry = await TestRegistry.start();
    await registry.push(`oci-archive:${inject("busyboxBase")}`, "busybox:1");
    await using project = await bakeProject({
      Lightfile: `FROM ${registry.host}/busybox:1\nSNAPSHOT elsewhere\nRESOURCES cpus=1 memory=256M disk=1G\nCOPY note /note\nRUN cat /note /note | tee /twice\n`,
      note: "from the client\n",
    });
    const first = await bakeWithEvents([project.folder], { environment });
    expect(first.result.exitCode, first.result.stderr).toBe(0);
    expect(first.ran).toHaveLength(2);

    await registry.stop();
    const second = await bakeWithEvents([project.folder], { environment });
    expect(second.result.exitCode, second.result.stderr).toBe(0);
    expect(second.cached).toHaveLength(2);

    const twice = "from the client\nfrom the client\n";
    const ran = await lightbox(["run", "--rm", "elsewhere", "--", "cat", "/twice"], { environment });
    expect([ran.exitCode, ran.stdout], ran.stderr).toEqual([0, twice]);
    const logs = await lightbox(["logs", project.folder], { environment });
    expect(logs.stdout.replaceAll("\r", ""), logs.stderr).toContain(twice);
    const removed = await lightbox(["snapshots", "rm", "elsewhere"], { environment });
    expect(removed.exitCode, removed.stderr).toBe(0);
  });

  test("that refuses the token is told apart from one that is not there", async (context) => {
    await using home = await temporaryFolder();
    const environment = await clientOf(home.path, context);
    const refused = await lightbox(["ps"], { environment: { ...environment, LIGHTBOX_TOKEN: "wrong" } });
    expect([refused.exitCode, refused.stderr]).toEqual([3, expect.stringContaining("WorkerRefusedToken")]);
    const missing = await lightbox(["ps", "--host", "http://127.0.0.1:1"], { environment });
    expect([missing.exitCode, missing.stderr]).toEqual([3, expect.stringContaining("WorkerUnreachable")]);
  });
});
