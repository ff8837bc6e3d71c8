import { describe, expect, test } from "vitest";
import {
  type ContractRig,
  execute,
  forever,
  launchRequest,
  lineageOf,
  publishRequest,
  RecordingClient,
  runSteps,
  streamOf,
} from "./contract-rig.ts";

const sandbox = "box";

export function sandboxContract(setUp: () => Promise<ContractRig>): void {
  describe("sandboxes", () => {
    test("a sandbox starts from a snapshot and is listed with its configuration", async () => {
      await using rig = await setUpWithSandbox(setUp);
      const [listed] = await rig.worker.listSandboxes(forever);
      expect(listed).toMatchObject({ name: sandbox, status: "running", snapshot: "app" });
      expect(listed?.configuration.environment.COLOUR).toBe("blue");
    });

    test("a name in use is refused, and replaced when asked", async () => {
      await using rig = await setUpWithSandbox(setUp);
      const request = launchRequest(sandbox, "app");
      await expect(rig.worker.launchSandbox(request, forever)).rejects.toMatchObject({ category: "usage" });
      await rig.worker.launchSandbox({ ...request, replace: true }, forever);
      expect(await rig.worker.listSandboxes(forever)).toHaveLength(1);
    });

    test("a command's output, its two streams and its exit code arrive", async () => {
      await using rig = await setUpWithSandbox(setUp);
      const argv = ["sh", "-c", "echo out; echo err >&2; exit 7"];
      const { stdout, stderr, exitCode } = await execute(rig.worker, { sandbox, argv });
      expect(stdout.toString()).toBe("out\n");
      expect(stderr.toString()).toBe("err\n");
      expect(exitCode).toBe(7);
    });

    test("a command reads its standard input to the end", async () => {
      await using rig = await setUpWithSandbox(setUp);
      const stdin = streamOf("first ", "second");
      const { stdout, exitCode } = await execute(rig.worker, { sandbox, argv: ["cat"] }, { stdin });
      expect(stdout.toString()).toBe("first second");
      expect(exitCode).toBe(0);
    });

    test("a command without standard input reads end of file", async () => {
      await using rig = await setUpWithSandbox(setUp);
      const { stdout, exitCode } = await execute(rig.worker, { sandbox, argv: ["cat"] });
      expect(stdout.toString()).toBe("");
      expect(exitCode).toBe(0);
    });

    test("a command gets the sandbox's environment, the request's, and its folder", async () => {
      await using rig = await setUpWithSandbox(setUp);
      const run = async (...argv: string[]) => {
        const request = { sandbox, argv, environment: { SHAPE: "round" }, workingDirectory: "/tmp" };
        return (await execute(rig.worker, request)).stdout.toString().trim();
      };
      expect(await run("printenv", "COLOUR")).toBe("blue");
      expect(await run("printenv", "SHAPE")).toBe("round");
      expect(await run("pwd")).toBe("/tmp");
    });

    test("aborting ends a running command", async () => {
      await using rig = await setUpWithSandbox(setUp);
      const abort = new AbortController();
      const started = Promise.withResolvers<void>();
      const running = rig.worker.execInSandbox(
        {
          sandbox,
          argv: ["sh", "-c", "echo started; sleep 1000"],
          environment: {},
          workingDirectory: null,
          user: null,
          terminal: null,
          detachedOutput: null,
        },
        { stdin: null, resizes: null, stdout: () => started.resolve(), stderr: () => {} },
        abort.signal,
      );
      await started.promise;
      abort.abort();
      await expect(running).rejects.toMatchObject({ name: "Failure", category: "cancelled" });
    });

    test("a sandbox that is not there, or stopped, runs nothing", async () => {
      await using rig = await setUpWithSandbox(setUp);
      const refused = { name: "Failure", category: "usage" };
      await expect(execute(rig.worker, { sandbox: "other", argv: ["pwd"] })).rejects.toMatchObject(refused);
      await rig.worker.stopSandbox(sandbox, forever);
      expect(await rig.worker.listSandboxes(forever)).toMatchObject([{ status: "stopped" }]);
      await expect(execute(rig.worker, { sandbox, argv: ["pwd"] })).rejects.toMatchObject({
        name: "Failure",
      });
    });

    test("a running sandbox is removed only by force", async () => {
      await using rig = await setUpWithSandbox(setUp);
      await expect(rig.worker.removeSandbox(sandbox, { force: false }, forever)).rejects.toMatchObject({
        code: "SandboxRunning",
      });
      await rig.worker.removeSandbox(sandbox, { force: true }, forever);
      expect(await rig.worker.listSandboxes(forever)).toEqual([]);
    });

    test("a failed step's disk can be booted", async () => {
      await using rig = await setUpWithSandbox(setUp);
      const outcome = await rig.worker.runLineage(
        lineageOf(rig, runSteps("RUN echo before; exit 3")),
        new RecordingClient(),
        forever,
      );
      if (outcome.kind !== "step-failed" || outcome.debugLayer === null) throw new Error("no debug layer");
      const from = { kind: "debug", layer: outcome.debugLayer } as const;
      const debug = await rig.worker.launchSandbox({ ...launchRequest("debug", "app"), from }, forever);
      expect(debug).toMatchObject({ name: "debug", status: "running", snapshot: null });
      await rig.worker.removeSandbox("debug", { force: true }, forever);
    });
  });
}

/** A running sandbox of a snapshot named `app`. */
async function setUpWithSandbox(setUp: () => Promise<ContractRig>): Promise<ContractRig> {
  const rig = await setUp();
  await rig.worker.importImage(rig.image, rig.openLayout(), forever);
  const steps = runSteps("RUN echo one");
  await rig.worker.runLineage(lineageOf(rig, steps), new RecordingClient(), forever);
  await rig.worker.publishSnapshot(publishRequest(rig, "app", steps[0]?.key ?? null), forever);
  await rig.worker.launchSandbox(launchRequest(sandbox, "app"), forever);
  return rig;
}
