import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../../src/diagnostics/failure.ts";
import { loadHasher } from "../../../../src/graph/keys/hash.ts";
import {
  type ContractRig,
  copyStep,
  endlessStep,
  forever,
  lineageOf,
  RecordingClient,
  runStep,
  runSteps,
} from "./contract-rig.ts";

export function lineageContract(setUp: () => Promise<ContractRig>): void {
  describe("lineages", () => {
    test("steps run in order in one builder, and each is sealed", async () => {
      await using rig = await setUpWithImage(setUp);
      const client = new RecordingClient();
      const steps = runSteps("RUN echo one", "RUN echo two");
      const outcome = await rig.worker.runLineage(lineageOf(rig, steps), client, forever);
      expect(outcome).toEqual({ kind: "completed", layer: steps[1]?.key });
      expect(client.outline).toEqual([
        "builder-starting 0",
        "builder-started 0",
        "step-started 0",
        "step-completed 0",
        "layer-sealed 0",
        "step-started 1",
        "step-completed 1",
        "layer-sealed 1",
      ]);
      expect(client.outputOf(0)).toBe("one\n");
      expect(client.outputOf(1)).toBe("two\n");
    });

    test("steps whose layers are there are not run again", async () => {
      await using rig = await setUpWithImage(setUp);
      const steps = runSteps("RUN echo one", "RUN echo two");
      await rig.worker.runLineage(lineageOf(rig, steps.slice(0, 1)), new RecordingClient(), forever);
      const client = new RecordingClient();
      await rig.worker.runLineage(lineageOf(rig, steps), client, forever);
      expect(client.outline[0]).toBe("step-reused 0");
      expect(client.outline).not.toContain("step-started 0");
      expect(client.outline).toContain("layer-sealed 1");
    });

    test("with the final policy the steps share one layer", async () => {
      await using rig = await setUpWithImage(setUp);
      const client = new RecordingClient();
      const steps = runSteps("RUN echo one", "RUN echo two");
      await rig.worker.runLineage(lineageOf(rig, steps, { checkpoint: "final" }), client, forever);
      const sealed = client.events.filter((event) => event.kind === "layer-sealed");
      expect(sealed).toHaveLength(1);
      expect(sealed[0]).toMatchObject({ firstIndex: 0, index: 1 });
    });

    test("what a step prints for a variable is told with its layer, and with those above it", async () => {
      await using rig = await setUpWithImage(setUp);
      const [first, second] = runSteps("RUN echo one", "RUN echo two");
      if (first?.operation.kind !== "run" || second === undefined) throw new Error("not two RUNs");
      const printing = { ...first, operation: { ...first.operation, outputVariable: "NAME" } };
      const client = new RecordingClient();
      const request = lineageOf(rig, [printing, second], { checkpoint: "final" });
      await rig.worker.runLineage(request, client, forever);
      expect(client.outputOf(0)).toBe("one\n");
      const found = await rig.worker.findLayers([second.key], forever);
      expect(found.get(second.key)?.outputValues).toEqual({ NAME: "one" });
      const above = runStep("RUN echo three", second.key);
      const next = lineageOf(rig, [above], { parent: second.key });
      await rig.worker.runLineage(next, new RecordingClient(), forever);
      const layers = await rig.worker.findLayers([above.key], forever);
      expect(layers.get(above.key)?.outputValues).toEqual({ NAME: "one" });
    });

    test("a failing step ends the lineage; what came before is kept, and so are its output and disk", async () => {
      await using rig = await setUpWithImage(setUp);
      const client = new RecordingClient();
      const steps = runSteps("RUN echo one", "RUN echo before; exit 3", "RUN echo three");
      const outcome = await rig.worker.runLineage(lineageOf(rig, steps), client, forever);
      if (outcome.kind !== "step-failed") throw new Error(`the outcome is ${outcome.kind}`);
      expect(outcome.index).toBe(1);
      expect(outcome.reason).toEqual({ kind: "exit", exitCode: 3 });
      expect(client.outline).not.toContain("step-started 2");
      const keys = steps.map((step) => step.key);
      expect([...(await rig.worker.findLayers(keys, forever)).keys()]).toEqual(keys.slice(0, 1));
      expect(outcome.debugLayer).not.toBeNull();
      const debug = await rig.worker.findDebugLayer(keys, forever);
      expect(debug).toMatchObject({ layer: outcome.debugLayer, failedStep: "RUN echo before; exit 3" });
      expect(await rig.worker.findDebugLayer(keys.slice(0, 1), forever)).toBeUndefined();
      expect(await rig.worker.readLog(keys[1] ?? none(), forever)).toContain("before\n");
      expect(await rig.worker.readLog(keys[2] ?? none(), forever)).toBeUndefined();
    });

    test("a failed builder is kept as a sandbox when that is asked for", async () => {
      await using rig = await setUpWithImage(setUp);
      const request = lineageOf(rig, runSteps("RUN echo before; exit 3"), { keepFailedBuilderAs: "kept" });
      const outcome = await rig.worker.runLineage(request, new RecordingClient(), forever);
      expect(outcome).toMatchObject({ kind: "step-failed", keptBuilder: "kept" });
      const sandboxes = await rig.worker.listSandboxes(forever);
      expect(sandboxes.map((sandbox) => sandbox.name)).toContain("kept");
      await rig.worker.removeSandbox("kept", { force: true }, forever);
    });

    test("aborting ends a running step and keeps what was sealed", async () => {
      await using rig = await setUpWithImage(setUp);
      const client = new RecordingClient();
      const abort = new AbortController();
      const steps = runSteps("RUN echo one", endlessStep);
      const running = rig.worker.runLineage(lineageOf(rig, steps), client, abort.signal);
      await client.until("layer-sealed");
      abort.abort();
      await expect(running).rejects.toMatchObject({ name: "Failure", category: "cancelled" });
      const keys = steps.map((step) => step.key);
      expect([...(await rig.worker.findLayers(keys, forever)).keys()]).toEqual(keys.slice(0, 1));
    });

    test("a step that two lineages want at the same time runs once", async () => {
      await using rig = await setUpWithImage(setUp);
      const steps = runSteps("RUN echo one");
      const clients = [new RecordingClient(), new RecordingClient()];
      await Promise.all(
        clients.map((client) => rig.worker.runLineage(lineageOf(rig, steps), client, forever)),
      );
      const outlines = clients.flatMap((client) => client.outline);
      expect(outlines.filter((line) => line === "step-started 0")).toHaveLength(1);
      expect(outlines.filter((line) => line === "step-reused 0")).toHaveLength(1);
    });

    test("a copied file's content is asked of the client", async () => {
      await using rig = await setUpWithImage(setUp);
      const content = Buffer.from("hello from the context\n");
      const digest = (await loadHasher()).hashBytes(content);
      const step = copyStep({ name: "hello.txt", digest, sizeBytes: content.length }, null);
      const client = new RecordingClient(new Map([[digest, () => Readable.from([content])]]));
      const outcome = await rig.worker.runLineage(lineageOf(rig, [step]), client, forever);
      expect(outcome).toEqual({ kind: "completed", layer: step.key });
    });

    test("a file that changed while it was read ends the lineage with the client's own failure", async () => {
      await using rig = await setUpWithImage(setUp);
      const digest = (await loadHasher()).hashBytes(Buffer.from("as it was"));
      const changed = new Failure({ code: "ContextChanged", category: "usage", message: "a.txt changed" });
      async function* failing() {
        yield Buffer.from("as ");
        throw changed;
      }
      const client = new RecordingClient(new Map([[digest, () => Readable.from(failing())]]));
      const first = runStep("RUN echo one", null);
      const steps = [first, copyStep({ name: "a.txt", digest, sizeBytes: 9 }, first.key)];
      const running = rig.worker.runLineage(lineageOf(rig, steps), client, forever);
      await expect(running).rejects.toMatchObject({ code: "ContextChanged", message: "a.txt changed" });
      const found = await rig.worker.findLayers([steps[1]?.key ?? none()], forever);
      expect(found.size).toBe(0);
    });
  });
}

async function setUpWithImage(setUp: () => Promise<ContractRig>): Promise<ContractRig> {
  const rig = await setUp();
  await rig.worker.importImage(rig.image, rig.openLayout(), forever);
  return rig;
}

function none(): never {
  throw new Error("the test has no such step");
}
