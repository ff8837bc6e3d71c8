import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { expect, test } from "vitest";
import type {
  LineageClient,
  LineageOutcome,
  LineageRequest,
  LineageStep,
  SshAgents,
} from "../../../../src/worker/worker.ts";
import { exchange, startTestAgent } from "../../../support/agent-rig.ts";
import { FakeWorker } from "../../../support/fake-worker.ts";
import { startProxiedRig, startRemoteRig } from "../../../support/remote-rig.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { forever, lineageOf, RecordingClient, runSteps } from "../contract/contract-rig.ts";
import { testImage } from "./test-image.ts";

const base = { image: testImage, diskSizeMib: 1024 };

/** A worker whose lineages are a function of the test. */
class AgentWorker extends FakeWorker {
  use: ((client: LineageClient, signal: AbortSignal) => Promise<void>) | undefined;

  constructor() {
    super({ images: [testImage.digest] });
  }

  override async runLineage(
    request: LineageRequest,
    client: LineageClient,
    signal: AbortSignal,
  ): Promise<LineageOutcome> {
    await this.use?.(client, signal);
    return await super.runLineage(request, client, signal);
  }
}

function stepWith(...ids: readonly string[]): LineageStep {
  const [plain] = runSteps("RUN echo one");
  if (plain?.operation.kind !== "run") throw new Error("not a RUN");
  const mounts = ids.map((id) => ({ ...sshMount, id, target: `/run/${id}` }));
  return { ...plain, operation: { ...plain.operation, mounts } };
}

const sshMount = { kind: "ssh", required: false, mode: 0o600, userId: 0, groupId: 0 } as const;

function clientWith(agents: Readonly<Record<string, string>>): RecordingClient {
  const sshAgents = {
    ids: new Set(Object.keys(agents)),
    connect: (id: string) => connect(agents[id] ?? "/nowhere"),
  };
  return Object.assign(new RecordingClient(), { sshAgents });
}

function connected(sshAgents: SshAgents | undefined): Duplex {
  if (sshAgents === undefined) throw new Error("no agents");
  return sshAgents.connect("default");
}

test("steps reach the agents that they mount, each by its id, and no others", async () => {
  await using folder = await temporaryFolder();
  await using first = await startTestAgent(folder.path, { name: "first" });
  await using other = await startTestAgent(folder.path, {
    name: "other",
    serve: (connection) => void connection.end("the other"),
  });
  const fake = new AgentWorker();
  await using rig = await startRemoteRig(fake);
  const ids: string[] = [];
  fake.use = async ({ sshAgents }) => void ids.push(...(sshAgents?.ids ?? []));
  const client = clientWith({ default: first.path, other: other.path, unused: first.path });
  await rig.remote.runLineage(lineageOf(base, [stepWith("default", "other", "absent")]), client, forever);
  expect(fake.agentAnswers.map(({ id, answer }) => [id, answer])).toEqual([
    ["default", "RUN echo one"],
    ["other", "the other"],
    ["absent", null],
  ]);
  expect(ids).toEqual(["default", "other"]);
  expect(first.counts.accepted).toBe(1);
  expect(rig.internalErrors).toEqual([]);
});

test("a lineage that mounts no agent opens no connection for them", async () => {
  const fake = new AgentWorker();
  await using rig = await startProxiedRig(fake);
  const client = clientWith({ default: "/nowhere" });
  await rig.remote.runLineage(lineageOf(base, runSteps("RUN echo one")), client, forever);
  expect(rig.proxy.connections).toBe(1);
});

test("megabytes go to an agent and come back unchanged, on several connections", async () => {
  await using folder = await temporaryFolder();
  await using agent = await startTestAgent(folder.path);
  const fake = new AgentWorker();
  await using rig = await startRemoteRig(fake);
  const requests = [1, 2, 3].map((fill) => Buffer.alloc(2_000_001, fill));
  fake.use = async ({ sshAgents }) => {
    const answers = requests.map((bytes) => {
      const stream = connected(sshAgents);
      return exchange(stream, bytes);
    });
    const areSame = (await Promise.all(answers)).every((answer, at) => answer.equals(requests[at] ?? answer));
    expect(areSame).toBe(true);
  };
  const client = clientWith({ default: agent.path });
  const outcome = await rig.remote.runLineage(lineageOf(base, [stepWith("default")]), client, forever);
  expect(outcome.kind).toBe("completed");
});

test("a connection that the worker lets go of is one less at the agent, and the lineage's end ends them all", async () => {
  await using folder = await temporaryFolder();
  await using agent = await startTestAgent(folder.path);
  const fake = new AgentWorker();
  await using rig = await startRemoteRig(fake);
  fake.use = async ({ sshAgents }) => {
    const [dropped, kept] = [sshAgents?.connect("default"), sshAgents?.connect("default")];
    for (const stream of [dropped, kept]) {
      stream?.write("x");
      if (stream !== undefined) await once(stream, "data");
    }
    expect(agent.counts.open).toBe(2);
    dropped?.destroy();
    while (agent.counts.open === 2) await new Promise((resolve) => setImmediate(resolve));
  };
  const client = clientWith({ default: agent.path });
  await rig.remote.runLineage(lineageOf(base, [stepWith("default")]), client, forever);
  while (agent.counts.open > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("an agent that is gone breaks its connections off, not the lineage", async () => {
  await using folder = await temporaryFolder();
  await using agent = await startTestAgent(folder.path);
  const fake = new AgentWorker();
  await using rig = await startRemoteRig(fake);
  fake.use = async ({ sshAgents }) => {
    const stream = connected(sshAgents);
    stream.on("error", () => stream.destroy());
    stream.write("x");
    await once(stream, "data");
    const closed = once(stream.resume(), "close");
    await agent.stop();
    stream.write("y");
    await closed;
    const late = sshAgents?.connect("default");
    late?.on("error", () => late.destroy());
    late?.resume();
    if (late?.closed === false) await once(late, "close");
  };
  const client = clientWith({ default: agent.path });
  const outcome = await rig.remote.runLineage(lineageOf(base, [stepWith("default")]), client, forever);
  expect(outcome.kind).toBe("completed");
});

test("a client that dies ends the connections that its agents were lent on", async () => {
  await using folder = await temporaryFolder();
  await using agent = await startTestAgent(folder.path);
  const fake = new AgentWorker();
  await using rig = await startProxiedRig(fake);
  const ended = Promise.withResolvers<void>();
  fake.use = async ({ sshAgents }) => {
    const stream = connected(sshAgents);
    stream.on("error", () => stream.destroy());
    stream.write("x");
    await once(stream, "data");
    const closed = once(stream.resume(), "close");
    rig.proxy.cut();
    await closed;
    ended.resolve();
  };
  const client = clientWith({ default: agent.path });
  const running = rig.remote.runLineage(lineageOf(base, [stepWith("default")]), client, forever);
  await expect(running).rejects.toMatchObject({ code: "WorkerConnectionLost" });
  await ended.promise;
  while (agent.counts.open > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("a lineage that is cancelled lets its agents go", async () => {
  await using folder = await temporaryFolder();
  await using agent = await startTestAgent(folder.path);
  const fake = new AgentWorker();
  await using rig = await startRemoteRig(fake);
  const controller = new AbortController();
  fake.use = async ({ sshAgents }, signal) => {
    const stream = connected(sshAgents);
    stream.write("x");
    await once(stream, "data");
    controller.abort();
    if (!signal.aborted) await once(signal, "abort");
  };
  const client = clientWith({ default: agent.path });
  const running = rig.remote.runLineage(lineageOf(base, [stepWith("default")]), client, controller.signal);
  await expect(running).rejects.toMatchObject({ category: "cancelled" });
  while (agent.counts.open > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("without the right token no agents are lent", async () => {
  const fake = new AgentWorker();
  await using rig = await startRemoteRig(fake);
  const { lendAgents } = await import("../../../../src/worker/remote/agent-link.ts");
  const { Connection } = await import("../../../../src/worker/remote/connection.ts");
  const connection = new Connection({ url: new URL(rig.server.url), token: "wrong", version: "1.2.3" });
  const agents = { ids: new Set<string>(), connect: () => connect("/nowhere") };
  const lending = lendAgents(connection, { lease: "a", agents }, forever);
  await expect(lending).rejects.toMatchObject({ code: "WorkerRefusedToken" });
});
