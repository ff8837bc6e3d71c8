import { expect, test } from "vitest";
import { builderCapacity, chooseResources, widestRow } from "../../../src/bake/builder-resources.ts";
import { planLineages } from "../../../src/bake/lineages.ts";
import { runSchedule, type ScheduledLineage } from "../../../src/bake/scheduler.ts";
import { Failure } from "../../../src/diagnostics/failure.ts";
import type { Resources } from "../../../src/worker/worker.ts";
import { type StageSketch, sketchPlan } from "./plan-fixture.ts";

const small: Resources = { cpus: 1, memoryMib: 100 };

async function schedule(
  sketches: readonly StageSketch[],
  resources: Resources = small,
): Promise<readonly ScheduledLineage[]> {
  const { lineages } = planLineages(await sketchPlan(sketches), () => false);
  return lineages.map((lineage) => ({ lineage, resources }));
}

/** Lineages that end when the test says so. */
class Runs {
  readonly log: string[] = [];
  readonly waiting: string[] = [];
  readonly #ends = new Map<string, PromiseWithResolvers<string | undefined>>();
  readonly #starts = new Map<string, PromiseWithResolvers<void>>();

  readonly onWaiting = (scheduled: ScheduledLineage) => this.waiting.push(nameOf(scheduled));

  readonly run = async (scheduled: ScheduledLineage, signal: AbortSignal): Promise<string | undefined> => {
    const name = nameOf(scheduled);
    this.log.push(`start ${name}`);
    this.#start(name).resolve();
    const end = this.end(name);
    const onAbort = () =>
      end.reject(new Failure({ code: "Cancelled", category: "cancelled", message: name }));
    signal.addEventListener("abort", onAbort);
    try {
      return await end.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.log.push(`end ${name}`);
    }
  };

  end(name: string): PromiseWithResolvers<string | undefined> {
    return getOrAdd(this.#ends, name);
  }

  async started(name: string): Promise<void> {
    await this.#start(name).promise;
  }

  #start(name: string): PromiseWithResolvers<void> {
    return getOrAdd(this.#starts, name);
  }
}

function getOrAdd<Value>(map: Map<string, PromiseWithResolvers<Value>>, name: string) {
  const known = map.get(name) ?? Promise.withResolvers<Value>();
  map.set(name, known);
  return known;
}

function nameOf({ lineage }: ScheduledLineage): string {
  return `s${lineage.stage.stage.index}`;
}

const never = new AbortController().signal;
const twoStages = [{ steps: ["a"] }, { steps: ["b"] }, { steps: ["copy 0", "copy 1"] }];

test("lineages that do not need each other run side by side, and what needs them after both", async () => {
  const runs = new Runs();
  const lineages = await schedule(twoStages);
  const outcome = runSchedule({ ...runs, lineages, capacity: { cpus: 2, memoryMib: 200 } }, never);
  await runs.started("s0");
  await runs.started("s1");
  runs.end("s1").resolve(undefined);
  runs.end("s0").resolve(undefined);
  runs.end("s2").resolve(undefined);
  expect(await outcome).toEqual({ kind: "completed" });
  expect(runs.log.slice(0, 2)).toEqual(["start s0", "start s1"]);
  expect(runs.log.indexOf("start s2")).toBeGreaterThan(runs.log.indexOf("end s0"));
  expect(runs.log.indexOf("start s2")).toBeGreaterThan(runs.log.indexOf("end s1"));
  expect(runs.waiting).toEqual([]);
});

test.each([
  ["CPUs", { cpus: 1, memoryMib: 1000 }],
  ["memory", { cpus: 8, memoryMib: 150 }],
])(
  "with %s for one builder only, lineages run one after another and say that they wait",
  async (_what, capacity) => {
    const runs = new Runs();
    const lineages = await schedule(twoStages);
    for (const name of ["s0", "s1", "s2"]) runs.end(name).resolve(undefined);
    expect(await runSchedule({ ...runs, lineages, capacity }, never)).toEqual({ kind: "completed" });
    expect(runs.log).toEqual(["start s0", "end s0", "start s1", "end s1", "start s2", "end s2"]);
    expect(runs.waiting).toEqual(["s1"]);
  },
);

test("a builder that is larger than the worker runs alone instead of never", async () => {
  const runs = new Runs();
  const lineages = await schedule([{ steps: ["a"] }], { cpus: 64, memoryMib: 1_000_000 });
  runs.end("s0").resolve(undefined);
  const capacity = { cpus: 1, memoryMib: 1 };
  expect(await runSchedule({ ...runs, lineages, capacity }, never)).toEqual({ kind: "completed" });
});

test("the first trouble cancels the lineages that run and starts no more", async () => {
  const runs = new Runs();
  const lineages = await schedule(twoStages);
  const outcome = runSchedule({ ...runs, lineages, capacity: { cpus: 2, memoryMib: 200 } }, never);
  await runs.started("s1");
  runs.end("s0").resolve("s0 went wrong");
  expect(await outcome).toEqual({ kind: "failed", trouble: "s0 went wrong" });
  expect(runs.log).toEqual(["start s0", "start s1", "end s0", "end s1"]);
});

test("a thrown failure reaches the caller after the other lineages have ended", async () => {
  const runs = new Runs();
  const lineages = await schedule(twoStages);
  const outcome = runSchedule({ ...runs, lineages, capacity: { cpus: 2, memoryMib: 200 } }, never);
  await runs.started("s1");
  const lost = new Failure({ code: "WorkerLost", category: "environment", message: "gone" });
  runs.end("s1").reject(lost);
  await expect(outcome).rejects.toBe(lost);
  expect(runs.log).toEqual(["start s0", "start s1", "end s1", "end s0"]);
});

test("an aborted signal ends what runs and resolves as cancelled", async () => {
  const runs = new Runs();
  const stop = new AbortController();
  const lineages = await schedule(twoStages);
  const outcome = runSchedule({ ...runs, lineages, capacity: { cpus: 1, memoryMib: 100 } }, stop.signal);
  await runs.started("s0");
  stop.abort();
  expect(await outcome).toEqual({ kind: "cancelled" });
  expect(runs.log).toEqual(["start s0", "end s0"]);
});

test("stages that can run at once share the CPUs; RESOURCES and the command line win", async () => {
  const { lineages } = planLineages(
    await sketchPlan([
      { steps: ["a"] },
      { steps: ["b"], cpus: 3, memoryMib: 64 },
      { steps: ["copy 0", "copy 1"] },
    ]),
    () => false,
  );
  const width = widestRow(lineages);
  expect(width).toBe(2);
  const host = { cpus: 2, memoryMib: 3072 };
  const choose = (override: Partial<Resources>) =>
    lineages.map((lineage) => chooseResources(lineage, { host, override, width }));
  expect(choose({})).toEqual([
    { cpus: 1, memoryMib: 1024 },
    { cpus: 3, memoryMib: 64 },
    { cpus: 1, memoryMib: 1024 },
  ]);
  expect(choose({ cpus: 2 })[1]).toEqual({ cpus: 2, memoryMib: 64 });
});

test("a builder takes at most four CPUs by itself, and less memory on a small host", async () => {
  const [lineage] = planLineages(await sketchPlan([{ steps: ["a"] }]), () => false).lineages;
  if (lineage === undefined) throw new Error("the sketch has a lineage");
  const choose = (host: Resources) => chooseResources(lineage, { host, override: {}, width: 1 });
  expect(choose({ cpus: 64, memoryMib: 65_536 })).toEqual({ cpus: 4, memoryMib: 1024 });
  expect(choose({ cpus: 1, memoryMib: 1024 })).toEqual({ cpus: 1, memoryMib: 384 });
  expect(builderCapacity({ cpus: 1, memoryMib: 1024 })).toEqual({ cpus: 1, memoryMib: 768 });
});
