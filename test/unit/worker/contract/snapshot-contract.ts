import { describe, expect, test } from "vitest";
import type { LayerKey } from "../../../../src/model/identifiers.ts";
import {
  type ContractRig,
  forever,
  lineageOf,
  publishRequest,
  RecordingClient,
  runSteps,
} from "./contract-rig.ts";

export function snapshotContract(setUp: () => Promise<ContractRig>): void {
  describe("snapshots", () => {
    test("a published snapshot can be listed and inspected in full", async () => {
      await using rig = await setUp();
      const layer = await bakeLayer(rig, "RUN echo one");
      const request = publishRequest(rig, "app", layer);
      const published = await rig.worker.publishSnapshot(request, forever);
      expect(published).toMatchObject({ name: "app", layer, imageDigest: rig.image.digest });
      expect(await rig.worker.listSnapshots(forever)).toContainEqual(published);
      const inspection = await rig.worker.inspectSnapshot("app", forever);
      expect(inspection).toEqual({ ...published, ...request });
    });

    test("publishing again moves the name and keeps the one before", async () => {
      await using rig = await setUp();
      const first = await bakeLayer(rig, "RUN echo one");
      const second = await bakeLayer(rig, "RUN echo two");
      await rig.worker.publishSnapshot(publishRequest(rig, "app", first), forever);
      await rig.worker.publishSnapshot(publishRequest(rig, "app", second), forever);
      expect((await rig.worker.inspectSnapshot("app", forever)).layer).toBe(second);
      expect((await rig.worker.inspectSnapshot("app@previous", forever)).layer).toBe(first);
      const listed = await rig.worker.listSnapshots(forever);
      expect(new Map(listed.map(({ name, layer }) => [name, layer]))).toEqual(
        new Map([
          ["app", second],
          ["app@previous", first],
        ]),
      );
    });

    test("a layer that is not there cannot be published, and the name stays where it was", async () => {
      await using rig = await setUp();
      const layer = await bakeLayer(rig, "RUN echo one");
      await rig.worker.publishSnapshot(publishRequest(rig, "app", layer), forever);
      const absent = runSteps("RUN echo two")[0]?.key ?? null;
      const publishing = rig.worker.publishSnapshot(publishRequest(rig, "app", absent), forever);
      await expect(publishing).rejects.toMatchObject({ name: "Failure" });
      expect((await rig.worker.inspectSnapshot("app", forever)).layer).toBe(layer);
    });

    test("an unknown snapshot is refused with a name that is near", async () => {
      await using rig = await setUp();
      const layer = await bakeLayer(rig, "RUN echo one");
      await rig.worker.publishSnapshot(publishRequest(rig, "webserver", layer), forever);
      const inspecting = rig.worker.inspectSnapshot("webservr", forever);
      await expect(inspecting).rejects.toMatchObject({
        code: "UnknownSnapshot",
        category: "usage",
        hint: expect.stringContaining("webserver"),
      });
    });

    test("a removed snapshot is gone", async () => {
      await using rig = await setUp();
      const layer = await bakeLayer(rig, "RUN echo one");
      await rig.worker.publishSnapshot(publishRequest(rig, "app", layer), forever);
      await rig.worker.removeSnapshot("app", forever);
      await expect(rig.worker.inspectSnapshot("app", forever)).rejects.toMatchObject({
        code: "UnknownSnapshot",
      });
    });
  });
}

async function bakeLayer(rig: ContractRig, title: string): Promise<LayerKey> {
  await rig.worker.importImage(rig.image, rig.openLayout(), forever);
  const outcome = await rig.worker.runLineage(
    lineageOf(rig, runSteps(title)),
    new RecordingClient(),
    forever,
  );
  if (outcome.kind !== "completed") throw new Error(`${title} did not complete`);
  return outcome.layer;
}
