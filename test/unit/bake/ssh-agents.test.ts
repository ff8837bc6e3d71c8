import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { sshAgentsAt } from "../../../src/bake/ssh-agents.ts";
import type { SshAgents } from "../../../src/worker/worker.ts";
import { startTestAgent } from "../../support/agent-rig.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { BakeRig } from "./bake-rig.ts";
import { tracesOf } from "./traces.ts";

const mount = "--mount=type=ssh,id=deploy,required";
const text = `FROM base:1\nSNAPSHOT app\nRUN one\nRUN --network=none ${mount} use\n`;

function agents(...ids: readonly string[]): SshAgents {
  return { ids: new Set(ids), connect: () => new PassThrough() };
}

test("what an agent is told and answers stays out of events, snapshots, requests and files", async () => {
  await using rig = await BakeRig.create();
  await using folder = await temporaryFolder();
  await using agent = await startTestAgent(folder.path, {
    serve: (connection) => void connection.end("hunter2"),
  });
  const sshAgents = sshAgentsAt(new Map([["deploy", agent.path]]));
  const baked = await rig.bake(text, {}, { sshAgents });
  expect(baked.outcome.kind).toBe("completed");
  expect(rig.worker.agentAnswers).toMatchObject([{ id: "deploy", answer: "hunter2" }]);
  const traces = await tracesOf(rig, baked);
  expect(traces).not.toContain("hunter2");
  expect(traces).not.toContain(agent.path);
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
