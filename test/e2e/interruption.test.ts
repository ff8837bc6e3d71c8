import { describe, expect, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";
import { builderProcesses, killBuilders } from "../support/builder-processes.ts";
import { lightboxOk, reportOf, startLightbox } from "../support/lightbox-command.ts";
import { machineShell, usesMachine } from "../support/machine-shell.ts";

const head = "FROM BASE\nRESOURCES cpus=1 memory=256M disk=1G\n";
const words = ["bake", "--progress=json", "--checkpoint=every"];

describe("a bake that is interrupted", () => {
  test("by Ctrl-C ends its virtual machine, keeps what was sealed, and says so by its exit code", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT interrupted\nRUN echo sealed > /sealed\nRUN echo waiting; sleep 600\n`,
    });
    const bake = startLightbox([...words, project.folder]);
    await bake.untilOutput('"text":"waiting');
    expect(await builderProcesses()).toHaveLength(1);
    bake.child.kill("SIGINT");
    const result = await bake.result;
    expect(result.exitCode, result.stderr).toBe(130);
    expect(reportOf(result).events.at(-1)).toMatchObject({ kind: "bake-completed", outcome: "cancelled" });
    expect(await builderProcesses()).toEqual([]);

    await project.write({
      Lightfile: `${head}SNAPSHOT interrupted\nRUN echo sealed > /sealed\nRUN echo done\n`,
    });
    expect((await project.bake()).ran).toEqual(["RUN echo done"]);
  });

  test("by a kill of the client leaves a valid store; by one of the machine's worker it goes on with the next worker", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT killed\nRUN echo whole > /sealed\nRUN echo waiting; sleep 10; echo late > /late\n`,
    });
    const killedClient = startLightbox([...words, project.folder]);
    await killedClient.untilOutput('"text":"waiting');
    killedClient.child.kill("SIGKILL");
    await killedClient.result;

    const next = startLightbox([...words, project.folder]);
    // Without a machine the client was the worker.
    const hasMachine = await usesMachine();
    if (hasMachine) {
      await next.untilOutput('"text":"waiting');
      await machineShell("kill -9 $(cat /run/lightbox/worker.pid)");
    }
    const report = reportOf(await next.result);
    expect(report.result.exitCode, report.result.stderr).toBe(0);
    expect(report.events.filter((event) => event.kind === "worker-lost")).toHaveLength(hasMachine ? 1 : 0);
    expect(report.cached).toEqual(["RUN echo whole > /sealed"]);

    expect(await project.run("killed", ["cat", "/sealed", "/late"])).toBe("whole\nlate\n");
    if (hasMachine) expect(await builderProcesses()).toEqual([]);
  });

  test("by kills of the client and of the worker while a layer is sealed leaves a valid store", async (context) => {
    if (!(await usesMachine()))
      context.skip("on a host with virtualization a layer is sealed too quickly to be met");
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT killed-sealing\nRUN dd if=/dev/urandom of=/big bs=1M count=8 2>/dev/null\nRUN sha256sum /big > /sum\n`,
    });
    const killedClient = startLightbox([...words, project.folder]);
    await killedClient.untilOutput('"kind":"step-completed"');
    killedClient.child.kill("SIGKILL");
    await killedClient.result;

    const killedWorker = startLightbox([...words, project.folder]);
    await killedWorker.untilOutput('"kind":"step-completed"');
    await machineShell("kill -9 $(cat /run/lightbox/worker.pid)");
    const report = reportOf(await killedWorker.result);
    expect(report.result.exitCode, report.result.stderr).toBe(0);
    const kinds = report.events.map((event) => event.kind);
    expect(kinds.filter((kind) => kind === "worker-lost")).toHaveLength(1);
    // The layer that was being sealed was not there: its step ran once more, in the next builder.
    expect(kinds.indexOf("layer-sealed")).toBeGreaterThan(kinds.indexOf("worker-lost"));
    expect(report.ran.filter((title) => title.startsWith("RUN dd"))).toHaveLength(2);
    expect((await project.bake(["--checkpoint=every"])).ran).toEqual([]);
    expect(await project.run("killed-sealing", ["sha256sum", "-c", "/sum"])).toContain("OK");
  });

  test("by the end of its builder, in its boot or later, goes on in another one, after the last sealed layer", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT lost-builder\nRUN echo before > /sealed\nRUN echo waiting; sleep 10; cat /sealed\n`,
    });
    const bake = startLightbox([...words, project.folder]);
    await expect.poll(builderProcesses, { timeout: 60_000 }).not.toHaveLength(0);
    await killBuilders();
    await bake.untilOutput('"text":"waiting');
    await killBuilders();
    const report = reportOf(await bake.result);
    expect(report.result.exitCode, report.result.stderr).toBe(0);
    const kinds = report.events.map((event) => event.kind);
    expect(kinds.filter((kind) => kind === "builder-lost")).toHaveLength(2);
    expect(report.ran.filter((title) => title === "RUN echo before > /sealed")).toHaveLength(1);
    expect(report.output).toBe("waiting\nwaiting\nbefore\n");
  });
});

describe("two bakes of the same thing at once", () => {
  test("run each step once", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT together\nRUN sleep 2; head -c 16 /dev/urandom | od -x > /random\nRUN sleep 1; cp /random /copy\n`,
    });
    const [left, right] = await Promise.all([
      project.bake(["--checkpoint=every"]),
      project.bake(["--checkpoint=every"]),
    ]);
    expect(left.result.exitCode, left.result.stderr).toBe(0);
    expect(right.result.exitCode, right.result.stderr).toBe(0);
    expect([...left.ran, ...right.ran].sort()).toEqual([
      "RUN sleep 1; cp /random /copy",
      "RUN sleep 2; head -c 16 /dev/urandom | od -x > /random",
    ]);
  });
});

describe("a full disk", () => {
  test("is named, leaves the store valid, and the next bake is right", async (context) => {
    if (!(await usesMachine())) context.skip("only the machine's disk can be filled without harm");
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT full\nRUN echo before > /before\nRUN dd if=/dev/urandom of=/big bs=1M count=32 2>/dev/null && sync && cp /big /bigger && cmp /big /bigger && cat /before\n`,
    });
    await lightboxOk(["machine", "start"]);
    await machineShell(
      "fallocate -l $(( ($(df -k /data | awk 'NR==2 { print $4 }') - 40960) * 1024 )) /data/filler; sync",
    );
    try {
      const bake = await project.bake();
      expect(bake.result.exitCode, bake.result.stderr).toBe(3);
      expect(bake.result.stderr).toContain("error[NoSpaceLeft]");
    } finally {
      await machineShell("rm -f /data/filler; sync");
    }
    const again = await project.bake();
    expect(again.result.exitCode, again.result.stderr).toBe(0);
    expect(again.output).toBe("before\n");
  });
});
