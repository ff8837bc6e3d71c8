import { describe, expect, test } from "vitest";
import { workerProtocol } from "../../../../src/worker/worker.ts";
import { type ContractRig, forever, lineageOf, RecordingClient, runSteps } from "./contract-rig.ts";

export function imageAndLayerContract(setUp: () => Promise<ContractRig>): void {
  describe("images and layers", () => {
    test("a worker describes its store and its protocol", async () => {
      await using rig = await setUp();
      const description = await rig.worker.describe(forever);
      expect(description.protocol).toBe(workerProtocol);
      expect(description.storeId).not.toBe("");
      expect(description.platform).toBe(rig.image.platform);
    });

    test("an image is found after its import, and a second import does no harm", async () => {
      await using rig = await setUp();
      const { worker, image } = rig;
      expect(await worker.findImages([image.digest], forever)).toEqual(new Set());
      await worker.importImage(image, rig.openLayout(), forever);
      await worker.importImage(image, rig.openLayout(), forever);
      expect(await worker.findImages([image.digest], forever)).toEqual(new Set([image.digest]));
    });

    test("a lineage on an image that is not there is refused", async () => {
      await using rig = await setUp();
      const running = rig.worker.runLineage(
        lineageOf(rig, runSteps("RUN echo one")),
        new RecordingClient(),
        forever,
      );
      await expect(running).rejects.toMatchObject({ name: "Failure", category: "environment" });
    });

    test("only layers that were sealed are found", async () => {
      await using rig = await setUp();
      await rig.worker.importImage(rig.image, rig.openLayout(), forever);
      const steps = runSteps("RUN echo one", "RUN echo before; exit 3");
      await rig.worker.runLineage(lineageOf(rig, steps), new RecordingClient(), forever);
      const keys = steps.map((step) => step.key);
      const found = await rig.worker.findLayers(keys, forever);
      expect([...found.keys()]).toEqual(keys.slice(0, 1));
      expect(found.get(keys[0] ?? fail())?.record).toBe(steps[0]?.record);
    });

    test("pruning removes what no snapshot needs, and a dry run only says what it would remove", async () => {
      await using rig = await setUp();
      await rig.worker.importImage(rig.image, rig.openLayout(), forever);
      const steps = runSteps("RUN echo one");
      await rig.worker.runLineage(lineageOf(rig, steps), new RecordingClient(), forever);
      const key = steps[0]?.key ?? fail();
      const request = { keepStorageBytes: 0, olderThanMs: null };
      const before = await rig.worker.describe(forever);

      const dry = await rig.worker.prune({ ...request, dryRun: true }, forever);
      expect(dry.layers.map((layer) => layer.key)).toEqual([key]);
      expect((await rig.worker.findLayers([key], forever)).size).toBe(1);

      const report = await rig.worker.prune({ ...request, dryRun: false }, forever);
      expect(report.layers).toEqual(dry.layers);
      expect((await rig.worker.findLayers([key], forever)).size).toBe(0);
      const after = await rig.worker.describe(forever);
      expect(after.storeId).toBe(before.storeId);
      expect(after.generation).not.toBe(before.generation);
    });
  });
}

function fail(): never {
  throw new Error("the test has no such step");
}
