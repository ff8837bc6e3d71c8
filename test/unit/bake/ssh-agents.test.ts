import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { sshAgentsAt } from "../../../src/bake/ssh-agents.ts";
import type { SshAgents } from "../../../src/worker/worker.ts";
import { startTestAgent } from "../../support/agent-rig.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { BakeRig } from "./bake-rig.ts";

const mount = "--mount=type=ssh,id=deploy,required";
const text = `FROM base:1\nSNAPSHOT app\nRUN one\nRUN --network=none ${mount} use\n`;

function agents(...ids: readonly string[]): SshAgents {
  return { ids: new Set(ids), connect: () => new PassThrough() };
}

test("a required agent that is not given is a mistake at its mount, before anything runs", async () => {
  await using rig = await BakeRig.create();
  const { outcome, ran } = await rig.bake(text);
  expect(outcome).toMatchObject({
    kind: "invalid",
    diagnostics: [
      { code: "SshNotForwarded", severity: "error", hint: expect.stringContaining("--ssh deploy") },
    ],
  });
  const [diagnostic] = outcome.diagnostics;
  expect(text.slice(diagnostic?.range.start, diagnostic?.range.end)).toBe(mount);
  expect(ran).toEqual([]);
  expect(rig.worker.counts.vmsBooted).toBe(0);
});

test("with this host's own store at hand, no worker is opened to see that an agent is missing", async () => {
  await using rig = await BakeRig.create();
  const { outcome, opened } = await rig.bake(text, {}, { localLayers: rig.localLayers() });
  expect({ kind: outcome.kind, opened }).toEqual({ kind: "invalid", opened: 0 });
});

test("a near name among the given agents is what was meant", async () => {
  await using rig = await BakeRig.create();
  const { outcome } = await rig.bake(text, {}, { sshAgents: agents("default", "depoly") });
  expect(outcome.diagnostics[0]?.hint).toContain("did you mean depoly?");
});

test("what an agent is told and answers stays out of events, snapshots and requests", async () => {
  await using rig = await BakeRig.create();
  await using folder = await temporaryFolder();
  await using agent = await startTestAgent(folder.path, {
    serve: (connection) => void connection.end("hunter2"),
  });
  const sshAgents = sshAgentsAt(new Map([["deploy", agent.path]]));
  const { outcome, events } = await rig.bake(text, {}, { sshAgents });
  expect(outcome.kind).toBe("completed");
  expect(rig.worker.agentAnswers).toMatchObject([{ id: "deploy", answer: "hunter2" }]);
  const { store, lineages } = rig.worker;
  const seen = JSON.stringify([
    events,
    outcome,
    [...store.layers.values()],
    [...store.snapshots.values()],
    lineages.map(({ request }) => request),
  ]);
  expect(seen).not.toContain("hunter2");
  expect(seen).not.toContain(agent.path);
});

test("a step that ran needs no agent again, whichever it was", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(text, {}, { sshAgents: agents("deploy") });
  expect((await rig.bake(text, {}, { sshAgents: agents("deploy", "other") })).ran).toEqual([]);
  expect((await rig.bake(text)).outcome.kind).toBe("completed");
});

test("an agent that is not required and not given is none", async () => {
  await using rig = await BakeRig.create();
  const { outcome } = await rig.bake(text.replace(",required", ""));
  expect(outcome.kind).toBe("completed");
  expect(rig.worker.agentAnswers).toMatchObject([{ id: "deploy", answer: null }]);
});
