import { expect, test } from "vitest";
import { Failure } from "../../../src/diagnostics/failure.ts";
import type { LineageClient, LineageOutcome, LineageRequest } from "../../../src/worker/worker.ts";
import { FakeWorker } from "../../support/fake-worker.ts";
import { BakeRig, baseDigest, eventsOf, kinds } from "./bake-rig.ts";

const threeSteps = "FROM base:1\nSNAPSHOT app\nRUN one\nRUN two\nRUN three\n";

/** Loses the connection whenever a lineage has sealed its first layer, this many times. */
class LosingWorker extends FakeWorker {
  losses: number;

  constructor(losses: number) {
    super({ images: [baseDigest] });
    this.losses = losses;
  }

  override async runLineage(
    request: LineageRequest,
    client: LineageClient,
    signal: AbortSignal,
  ): Promise<LineageOutcome> {
    if (this.losses === 0) return await super.runLineage(request, client, signal);
    this.losses -= 1;
    const lost = new Failure({
      code: "WorkerConnectionLost",
      category: "environment",
      message: "the connection was lost",
    });
    const connection = new AbortController();
    const onEvent: LineageClient["onEvent"] = (event) => {
      client.onEvent(event);
      if (event.kind === "layer-sealed") connection.abort(lost);
    };
    await super.runLineage(request, { ...client, onEvent }, connection.signal).catch(() => undefined);
    throw lost;
  }
}

test("a bake that loses its worker opens it again and goes on after the last sealed layer", async () => {
  await using rig = await BakeRig.create();
  rig.worker = new LosingWorker(1);
  const { outcome, ran, events, opened } = await rig.bake(threeSteps);
  expect(outcome).toMatchObject({ kind: "completed", ranCount: 3, cachedCount: 0, published: true });
  expect(ran).toEqual(["RUN one", "RUN two", "RUN three"]);
  expect(opened).toBe(2);
  expect(eventsOf(events, "worker-lost")).toMatchObject([{ message: "the connection was lost" }]);
  expect(eventsOf(events, "step-cached")).toEqual([]);
  expect(kinds(events).at(-1)).toBe("bake-completed");
});

test("a worker that is lost again and again ends the bake, and what was sealed is kept", async () => {
  await using rig = await BakeRig.create();
  rig.worker = new LosingWorker(3);
  await expect(rig.bake(threeSteps.replace("SNAPSHOT app", "RUN zero\nSNAPSHOT app"))).rejects.toMatchObject({
    code: "WorkerConnectionLost",
  });
  const { ran } = await rig.bake(threeSteps.replace("SNAPSHOT app", "RUN zero\nSNAPSHOT app"));
  expect(ran).toEqual(["RUN three"]);
});
