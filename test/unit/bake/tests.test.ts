import { expect, test } from "vitest";
import type { BakeEvent } from "../../../src/bake/events.ts";
import { BakeRig, eventsOf, kinds } from "./bake-rig.ts";

// The fake sandbox has no shell form of its own: exec forms reach its few words as they are.
const tested = `FROM base:1
SNAPSHOT app
RUN one
ENV GREETING=hello
TEST --title="Says hello" ["printenv", "GREETING"]
TEST ["sh", "-c", "echo fine; exit 0"]
`;

const failing = tested.replace("exit 0", "exit 3");

function outputOf(events: readonly BakeEvent[]): string {
  return eventsOf(events, "test-output")
    .map(({ text }) => text)
    .join("");
}

test("tests run on the result, in order, before the name moves, and leave no sandbox", async () => {
  await using rig = await BakeRig.create();
  const { outcome, events } = await rig.bake(tested);
  expect(outcome).toMatchObject({ kind: "completed", published: true, passedTestCount: 2, ranCount: 1 });
  expect(eventsOf(events, "planned")[0]?.tests).toEqual([
    { id: "0/test-1", title: "Says hello", file: "Lightfile", position: { line: 5, column: 1 } },
    expect.objectContaining({ position: { line: 6, column: 1 } }),
  ]);
  expect(outputOf(events)).toBe("hello\nfine\n");
  const order = kinds(events).filter((kind) => /^(test-passed|layer-sealed|snapshot-published)$/.test(kind));
  expect(order).toEqual(["layer-sealed", "test-passed", "test-passed", "snapshot-published"]);
  expect(rig.worker.counts.sandboxesLaunched).toBe(2);
  expect(rig.worker.sandboxes.list()).toEqual([]);
});

test("a passed test is remembered with its result, and a bake with nothing else to do opens no worker", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(tested);
  const again = await rig.bake(tested);
  expect(again.opened).toBe(0);
  expect(eventsOf(again.events, "test-passed").map(({ remembered }) => remembered)).toEqual([true, true]);
  // A changed test runs alone; a changed result is tested anew.
  const changed = await rig.bake(tested.replace("echo fine", "echo better"));
  expect(outputOf(changed.events)).toBe("better\n");
  expect(changed.ran).toEqual([]);
  expect(outputOf((await rig.bake(tested.replace("RUN one", "RUN other"))).events)).toBe("hello\nfine\n");
});

test("--no-cache runs tests again, and so does a bake after the store was wiped", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(tested);
  expect(outputOf((await rig.bake(tested, { noCache: true })).events)).toBe("hello\nfine\n");
  expect((await rig.bake(tested)).opened).toBe(0);
  rig.worker.store.snapshots.clear();
  rig.worker.store.prune({ keepStorageBytes: null, olderThanMs: null, dryRun: false });
  expect(outputOf((await rig.bake(`${tested}LABEL a=b\n`)).events)).toBe("hello\nfine\n");
});

test("where a test's heredoc script fails, it is said that it stops there", async () => {
  await using rig = await BakeRig.create();
  const { outcome } = await rig.bake(`${tested}SHELL ["sh", "-c"]\nTEST <<EOF\nexit 3\nEOF\n`);
  expect(outcome).toMatchObject({
    kind: "test-failed",
    failure: { hint: expect.stringContaining("set +e") },
  });
});

test("a failing test fails the bake, leaves the name alone, keeps the layers and runs again", async () => {
  await using rig = await BakeRig.create();
  await rig.bake(tested.replace("RUN one", "RUN before"));
  const before = rig.worker.store.snapshots.get("app");
  const { outcome, events } = await rig.bake(`${failing}TEST ["echo", "never"]\n`);
  expect(outcome).toMatchObject({
    kind: "test-failed",
    failure: {
      title: 'TEST ["sh", "-c", "echo fine; exit 3"]',
      reason: { kind: "exit", exitCode: 3 },
      outputTail: ["fine"],
      file: "Lightfile",
      position: { line: 6, column: 1 },
    },
  });
  expect(kinds(events).slice(-2)).toEqual(["test-failed", "bake-completed"]);
  expect(outputOf(events)).not.toContain("never");
  expect(rig.worker.store.snapshots.get("app")).toBe(before);
  expect(rig.worker.sandboxes.list()).toEqual([]);
  const again = await rig.bake(failing);
  expect(again.ran).toEqual([]);
  expect(again.outcome.kind).toBe("test-failed");
  expect(eventsOf(again.events, "test-passed")).toMatchObject([{ remembered: true }]);
});

test("a test that takes too long fails, and one that cannot be started says why", async () => {
  await using rig = await BakeRig.create();
  const slow = await rig.bake('FROM base:1\nTEST --timeout=20ms ["sleep", "1"]\n');
  expect(slow.outcome).toMatchObject({
    kind: "test-failed",
    failure: { reason: { kind: "refused", code: "TestTimedOut" } },
  });
  expect(rig.worker.sandboxes.list()).toEqual([]);
});

test("a bake that is stopped in a test removes the test's sandbox", async () => {
  await using rig = await BakeRig.create();
  const stop = new AbortController();
  const { outcome } = await rig.bake(
    'FROM base:1\nSNAPSHOT app\nRUN one\nTEST ["sleep", "1"]\n',
    {},
    { signal: stop.signal, onEvent: (event) => event.kind === "test-started" && stop.abort() },
  );
  expect(outcome.kind).toBe("cancelled");
  expect(rig.worker.sandboxes.list()).toEqual([]);
  expect(rig.worker.store.snapshots.size).toBe(0);
});

test("only the target's tests run", async () => {
  await using rig = await BakeRig.create();
  const text = 'FROM base:1 AS build\nRUN one\nTEST ["echo", "build"]\nFROM build\nTEST ["echo", "target"]\n';
  expect(outputOf((await rig.bake(text)).events)).toBe("target\n");
  expect(outputOf((await rig.bake(text, { target: "build" })).events)).toBe("build\n");
});
