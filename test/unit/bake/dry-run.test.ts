import { expect, test } from "vitest";
import { BakeRig } from "./bake-rig.ts";

const text = "FROM base:1\nSNAPSHOT app\nARG VERSION=1\nRUN one\nCOPY main.c /src/\nRUN two $VERSION\n";

async function bakedRig(): Promise<BakeRig> {
  const rig = await BakeRig.create();
  await rig.writeFile("main.c", "int main;");
  await rig.bake(text);
  return rig;
}

async function reasons(rig: BakeRig, changed: string, change: Parameters<BakeRig["explain"]>[1] = {}) {
  const explanation = await rig.explain(changed, change);
  if (explanation.kind !== "explained") throw new Error("the Lightfile has mistakes");
  return explanation.steps.map(({ title, state, reasons }) =>
    state === "cached" ? `${title}: cached` : `${title}: ${reasons.join("; ")}`,
  );
}

test("after a bake everything is cached", async () => {
  await using rig = await bakedRig();
  expect(await reasons(rig, text)).toEqual([
    "RUN one: cached",
    "COPY main.c /src/: cached",
    "RUN two $VERSION: cached",
  ]);
});

test("before the first bake every step is new", async () => {
  await using rig = await BakeRig.create();
  expect(await reasons(rig, "FROM base:1\nRUN one\n")).toEqual(["RUN one: the step is new"]);
});

test("a changed file is named, and what follows says what it follows", async () => {
  await using rig = await bakedRig();
  await rig.writeFile("main.c", "int other;");
  const [one, copy, two] = await reasons(rig, text);
  expect(one).toBe("RUN one: cached");
  expect(copy).toBe("COPY main.c /src/: file main.c changed");
  expect(two).toContain("the step before it changed");
});

test("a changed build argument is named with both values", async () => {
  await using rig = await bakedRig();
  const explained = await reasons(rig, text, { buildArguments: { VERSION: "2" } });
  expect(explained.join("\n")).toContain("variable VERSION changed from 1 to 2");
});

test("a changed instruction says so", async () => {
  await using rig = await bakedRig();
  const [one] = await reasons(rig, text.replace("RUN one", "RUN uno"));
  expect(one).toBe("RUN uno: the instruction changed; it was RUN one");
});

test("--no-cache is the reason for every step", async () => {
  await using rig = await bakedRig();
  for (const line of await reasons(rig, text, { noCache: true }))
    expect(line).toContain("--no-cache was given");
  expect((await rig.bake(text)).opened).toBe(0);
});

test("a dry run opens no worker and leaves the history as it is", async () => {
  await using rig = await bakedRig();
  await rig.explain(text.replace("RUN one", "RUN uno"));
  expect(await reasons(rig, text.replace("RUN one", "RUN eins"))).toContain(
    "RUN eins: the instruction changed; it was RUN one",
  );
  expect(rig.worker.counts.vmsBooted).toBe(1);
});

test("a step that only failed so far is none that anything is compared with", async () => {
  await using rig = await bakedRig();
  const broken = text.replace("RUN two $VERSION", "RUN broken");
  rig.worker.script("RUN broken", { exitCode: 1 });
  const { outcome } = await rig.bake(broken);
  expect(outcome.kind).toBe("step-failed");
  const why = "the instruction changed; it was RUN two $VERSION";
  expect(await reasons(rig, broken)).toContain(`RUN broken: ${why}`);
  expect(await reasons(rig, text.replace("RUN two $VERSION", "RUN other"))).toContain(`RUN other: ${why}`);
  // Elsewhere, the snapshot's name leads to what was built.
  const elsewhere = { lightfilePath: "/elsewhere/Lightfile" };
  expect(await reasons(rig, text.replace("RUN two $VERSION", "RUN other"), elsewhere)).toContain(
    `RUN other: ${why}`,
  );
});

test("after a first bake that failed, what was sealed is cached and what failed is new", async () => {
  await using rig = await BakeRig.create();
  const lines = "FROM base:1\nSNAPSHOT app\nRUN one\nRUN broken\nRUN three\n";
  rig.worker.script("RUN broken", { exitCode: 1 });
  await rig.bake(lines);
  const expected = ["RUN one: cached", "RUN broken: the step is new", "RUN three: the step is new"];
  expect(await reasons(rig, lines)).toEqual(expected);
  const elsewhere = { lightfilePath: "/elsewhere/Lightfile" };
  expect(await reasons(rig, lines, elsewhere)).toEqual(expected);
});

test("after a bake whose worker did not open, every step is as new as before", async () => {
  await using rig = await BakeRig.create();
  rig.trouble = new Error("no worker");
  await expect(rig.bake("FROM base:1\nRUN one\n")).rejects.toThrow("no worker");
  expect(await reasons(rig, "FROM base:1\nRUN one\n")).toEqual(["RUN one: the step is new"]);
});

test("what a bake would publish is told, also when no step would run", async () => {
  await using rig = await BakeRig.create();
  const publication = async (changed: string) => {
    const explanation = await rig.explain(changed);
    return explanation.kind === "explained" ? explanation.publication : "invalid";
  };
  const app = "FROM base:1\nSNAPSHOT app\nRUN one\nENV A=1\n";
  expect(await publication(app)).toBe("unknown");
  await rig.bake(app);
  expect(await publication(app)).toBeNull();
  expect(await publication(app.replace("A=1", "A=2"))).toBe("other-configuration");
  expect(await publication(app.replace("one", "two"))).toBe("new-layers");
  expect(await publication("FROM base:1\nRUN one\n")).toBeNull();
});

test("mistakes are reported as by a bake", async () => {
  await using rig = await BakeRig.create();
  const explanation = await rig.explain("RNU x\n");
  expect(explanation.kind).toBe("invalid");
  expect(explanation.diagnostics.length).toBeGreaterThan(0);
});

test("a Lightfile that was moved, or comes from stdin, is compared with the last bake of its snapshot", async () => {
  await using rig = await bakedRig();
  const [one] = await reasons(rig, text.replace("RUN one", "RUN uno"), {
    lightfilePath: "/elsewhere/Lightfile",
  });
  expect(one).toBe("RUN uno: the instruction changed; it was RUN one");
});

test("tests of the target are told of, with why they will run", async () => {
  await using rig = await BakeRig.create();
  const tests = async (changed: string, change: Parameters<BakeRig["explain"]>[1] = {}) => {
    const explanation = await rig.explain(changed, change);
    if (explanation.kind !== "explained") throw new Error("the Lightfile has mistakes");
    return explanation.tests.map(({ test: id, title, line, state, reasons: why }) =>
      [id, `${title}:${line}`, state, ...why].join(" "),
    );
  };
  const tested = `FROM base:1
SNAPSHOT app
RUN one
TEST --title="Says fine" ["echo", "fine"]
TEST ["sh", "-c", "exit 3"]
`;
  const second = '0/test-2 TEST ["sh", "-c", "exit 3"]:5 will-run';
  expect(await tests(tested)).toEqual([
    "0/test-1 Says fine:4 will-run it has not passed on this result yet",
    `${second} it has not passed on this result yet`,
  ]);
  await rig.bake(tested);
  expect(await tests(tested)).toEqual([
    "0/test-1 Says fine:4 cached",
    `${second} it has not passed on this result yet`,
  ]);
  const changed = "the result that it tests changed";
  expect(await tests(tested.replace("RUN one", "RUN two"))).toEqual([
    `0/test-1 Says fine:4 will-run ${changed}`,
    `${second} ${changed}`,
  ]);
  expect((await tests(tested, { noCache: true }))[0]).toContain("will-run --no-cache was given");
});
