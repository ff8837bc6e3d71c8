import { request as httpRequest } from "node:http";
import { expect, test } from "vitest";
import { waitingOutputLimit } from "../../../../src/worker/remote/event-writer.ts";
import { type LineageOutcome, secretLimitBytes, workerProtocol } from "../../../../src/worker/worker.ts";
import { FakeWorker } from "../../../support/fake-worker.ts";
import { remoteToken, startProxiedRig, startRemoteRig } from "../../../support/remote-rig.ts";
import { forever, lineageOf, RecordingClient, runSteps } from "../contract/contract-rig.ts";
import { testImage } from "./test-image.ts";

const base = { image: testImage, diskSizeMib: 1024 };
const twoSteps = runSteps("RUN echo one", "RUN echo two");

function newWorker(): FakeWorker {
  return new FakeWorker({ images: [testImage.digest] });
}

test("a server that dies while steps run is a lost connection, and what was sealed is kept", async () => {
  const fake = newWorker();
  const hold = fake.hold("RUN echo two");
  await using rig = await startProxiedRig(fake);
  const running = rig.remote.runLineage(lineageOf(base, twoSteps), new RecordingClient(), forever);
  await hold.reached;
  rig.proxy.cut();
  await expect(running).rejects.toMatchObject({
    code: "WorkerConnectionLost",
    category: "environment",
    message: expect.stringContaining("lost while steps ran"),
    hint: expect.stringContaining("sealed are kept"),
  });
  expect([...fake.store.layers.keys()]).toEqual([twoSteps[0]?.key]);
});

test("a client that dies ends its lineage on the server", async () => {
  const fake = newWorker();
  const hold = fake.hold("RUN echo two");
  await using rig = await startProxiedRig(fake);
  const running = rig.remote.runLineage(lineageOf(base, twoSteps), new RecordingClient(), forever);
  running.catch(() => {});
  await hold.reached;
  rig.proxy.cut();
  expect(await fake.lineages[0]?.ended).toMatchObject({ kind: "threw", error: { category: "cancelled" } });
});

test("a cable that goes dead without a word is noticed at both ends", async () => {
  const fake = newWorker();
  const hold = fake.hold("RUN echo two");
  const patience = { beatIntervalMs: 20, silenceLimitMs: 240 };
  await using rig = await startProxiedRig(fake, { server: patience, client: patience });
  const running = rig.remote.runLineage(lineageOf(base, twoSteps), new RecordingClient(), forever);
  await hold.reached;
  rig.proxy.freeze();
  await expect(running).rejects.toMatchObject({
    code: "WorkerConnectionLost",
    message: expect.stringContaining("no sign of life"),
  });
  expect(await fake.lineages[0]?.ended).toMatchObject({ kind: "threw", error: { category: "cancelled" } });
});

test("signs of life keep a long step running", async () => {
  const fake = newWorker();
  const hold = fake.hold("RUN echo two");
  // Each end would give up after 12 beats of silence.
  const patience = { beatIntervalMs: 20, silenceLimitMs: 240 };
  await using rig = await startProxiedRig(fake, { server: patience, client: patience });
  const running = rig.remote.runLineage(lineageOf(base, twoSteps), new RecordingClient(), forever);
  await hold.reached;
  await rig.proxy.untilSent("/alive", 30);
  hold.release();
  expect(await running).toMatchObject({ kind: "completed" });
});

test("an aborted lineage ends only when the worker has cleaned up", async () => {
  const cleaned = Promise.withResolvers<void>();
  const cleaning = Promise.withResolvers<void>();
  class TidyWorker extends FakeWorker {
    override async runLineage(...parameters: Parameters<FakeWorker["runLineage"]>): Promise<LineageOutcome> {
      try {
        return await super.runLineage(...parameters);
      } finally {
        cleaning.resolve();
        await cleaned.promise;
      }
    }
  }
  const fake = new TidyWorker({ images: [testImage.digest] });
  const hold = fake.hold("RUN echo one");
  await using rig = await startRemoteRig(fake);
  const abort = new AbortController();
  const order: string[] = [];
  const running = rig.remote
    .runLineage(lineageOf(base, twoSteps), new RecordingClient(), abort.signal)
    .catch((error: unknown) => {
      order.push("ended");
      return error;
    });
  await hold.reached;
  abort.abort();
  await cleaning.promise;
  order.push("cleaned");
  cleaned.resolve();
  expect(await running).toMatchObject({ code: "Cancelled", category: "cancelled" });
  expect(order).toEqual(["cleaned", "ended"]);
});

test("closing the server aborts what runs and says so", async () => {
  const fake = newWorker();
  const hold = fake.hold("RUN echo one");
  await using rig = await startRemoteRig(fake);
  const running = rig.remote.runLineage(lineageOf(base, twoSteps), new RecordingClient(), forever);
  const refused = expect(running).rejects.toMatchObject({ code: "WorkerStopped", category: "environment" });
  await hold.reached;
  await rig.server.close();
  await refused;
  expect(await fake.lineages[0]?.ended).toMatchObject({ kind: "threw", error: { category: "cancelled" } });
  await expect(rig.remote.listSnapshots(forever)).rejects.toMatchObject({ code: "WorkerUnreachable" });
});

test("the server closes although a worker ignores that it should stop", async () => {
  class StubbornWorker extends FakeWorker {
    override runLineage(): Promise<never> {
      started.resolve();
      return Promise.withResolvers<never>().promise;
    }
  }
  const started = Promise.withResolvers<void>();
  await using rig = await startRemoteRig(new StubbornWorker(), { server: { closeTimeoutMs: 50 } });
  const running = rig.remote.runLineage(lineageOf(base, twoSteps), new RecordingClient(), forever);
  const refused = expect(running).rejects.toMatchObject({ code: "WorkerConnectionLost" });
  await started.promise;
  await rig.server.close();
  await refused;
});

test("an aborted signal closes the server", async () => {
  const stop = new AbortController();
  await using rig = await startRemoteRig(newWorker(), { server: { signal: stop.signal } });
  stop.abort();
  await rig.server.close();
  await expect(rig.remote.listSnapshots(forever)).rejects.toMatchObject({ code: "WorkerUnreachable" });
});

test("a burst of output costs the server a bounded buffer: its end arrives, with a note of what is left out", async () => {
  const block = "x".repeat(1024);
  const total = 50 * 1024;
  function* output() {
    for (let block_ = 0; block_ < total; block_ += 1) yield block;
    yield "the very end\n";
  }
  const fake = new FakeWorker({
    images: [testImage.digest],
    scripts: { "RUN echo one": { output: output() } },
  });
  await using rig = await startRemoteRig(fake);
  const client = new RecordingClient();
  const steps = twoSteps.slice(0, 1);
  const outcome = await rig.remote.runLineage(lineageOf(base, steps), client, forever);
  expect(outcome.kind).toBe("completed");
  const text = client.outputOf(0);
  expect(text.length).toBeLessThan(2 * waitingOutputLimit);
  expect(text.endsWith("the very end\n")).toBe(true);
  const omitted = [...text.matchAll(/\[(\d+) characters of output left out/g)].map((match) =>
    Number(match[1]),
  );
  const shown = text.replaceAll(/\n\[\d+ characters[^\n]*\n/g, "").length;
  expect(shown + omitted.reduce((sum, count) => sum + count, 0)).toBe(total * 1024 + "the very end\n".length);
});

test("a client that does not read does not hold the lineage up", async () => {
  const block = "y".repeat(64 * 1024);
  function* output() {
    for (let count = 0; count < 1024; count += 1) yield block;
  }
  const fake = new FakeWorker({
    images: [testImage.digest],
    scripts: { "RUN echo one": { output: output() }, "RUN echo two": { output: output() } },
  });
  await using rig = await startRemoteRig(fake);
  const request = httpRequest(`${rig.server.url}/lineages`, {
    method: "POST",
    headers: { authorization: `Bearer ${remoteToken}`, "lightbox-protocol": String(workerProtocol) },
  });
  request.on("error", () => {});
  // The answer is never read.
  const answered = Promise.withResolvers<void>();
  request.on("response", () => answered.resolve());
  request.end(JSON.stringify({ lease: "", request: lineageOf(base, twoSteps) }));
  await answered.promise;
  await fake.started("RUN echo two");
  const end = await fake.lineages[0]?.ended;
  expect(end).toMatchObject({ kind: "resolved", outcome: { kind: "completed" } });
  request.destroy();
});

test("the server says when it is busy and when it is idle again", async () => {
  const fake = newWorker();
  const hold = fake.hold("RUN echo one");
  await using rig = await startRemoteRig(fake);
  expect(rig.activity.at(-1)).toEqual({ isBusy: false, requests: 0, lineages: 0, execs: 0 });
  const running = rig.remote.runLineage(lineageOf(base, twoSteps), new RecordingClient(), forever);
  await hold.reached;
  expect(rig.activity.at(-1)).toEqual({ isBusy: true, requests: 0, lineages: 1, execs: 0 });
  hold.release();
  await running;
  await rig.remote.listSandboxes(forever);
  await rig.server.close();
  expect(rig.activity.at(-1)).toEqual({ isBusy: false, requests: 0, lineages: 0, execs: 0 });
});

test("calls one after the other share a connection", async () => {
  const fake = newWorker();
  await using rig = await startProxiedRig(fake);
  for (let call = 0; call < 10; call += 1) await rig.remote.listSnapshots(forever);
  await rig.remote.runLineage(lineageOf(base, twoSteps), new RecordingClient(), forever);
  await rig.remote.listSandboxes(forever);
  expect(rig.proxy.connections).toBe(1);
});

test("secrets that steps mount reach the worker, others and those that nobody has do not", async () => {
  const fake = newWorker();
  await using rig = await startRemoteRig(fake);
  const [plain] = runSteps("RUN echo one");
  if (plain?.operation.kind !== "run") throw new Error("not a RUN");
  const mounts = ["token", "absent"].map((id) => ({ ...secretMount, id, target: `/run/secrets/${id}` }));
  const step = { ...plain, operation: { ...plain.operation, mounts } };
  const asked: string[] = [];
  const client = Object.assign(new RecordingClient(), {
    readSecret: async (id: string) => {
      asked.push(id);
      return id === "token" ? Buffer.from("the value €\0") : null;
    },
  });
  await rig.remote.runLineage(lineageOf(base, [step]), client, forever);
  expect(asked).toEqual(["token", "absent"]);
  expect(fake.secretsRead.map(({ id, value }) => [id, value])).toEqual([
    ["token", "the value €\0"],
    ["absent", null],
  ]);
  const large = Object.assign(new RecordingClient(), {
    readSecret: async () => new Uint8Array(secretLimitBytes + 1),
  });
  const running = rig.remote.runLineage(lineageOf(base, [step]), large, forever);
  await expect(running).rejects.toMatchObject({ code: "SecretTooLarge", category: "usage" });
});

const secretMount = {
  kind: "secret",
  environmentVariable: null,
  required: false,
  mode: 0o400,
  userId: 0,
  groupId: 0,
} as const;
