import { expect, test } from "vitest";
import { BakeRig, eventsOf } from "./bake-rig.ts";

const text = `FROM base:1 AS build
RUN one
ENV --from-output VERSION print
FROM build
SNAPSHOT app
RUN two
`;

async function printing(value: string): Promise<BakeRig> {
  const rig = await BakeRig.create();
  rig.worker.script("ENV --from-output VERSION print", { output: [`${value}\n`] });
  return rig;
}

function environmentOf(rig: BakeRig) {
  const { environment, outputVariables } = rig.worker.store.snapshots.get("app")?.configuration ?? {};
  return { version: environment?.VERSION, outputVariables };
}

test("what a command prints is in the environment of the published snapshot", async () => {
  await using rig = await printing("1.2");
  expect((await rig.bake(text)).outcome.kind).toBe("completed");
  expect(environmentOf(rig)).toEqual({ version: "1.2", outputVariables: [] });
});

test("a cached bake knows the value: it moves no name and opens no worker", async () => {
  await using rig = await printing("a value with spaces");
  await rig.bake(text);
  expect((await rig.bake(text)).opened).toBe(0);
  expect((await rig.bake(text, {}, { localLayers: rig.localLayers() })).opened).toBe(0);
  const published = await rig.bake(`${text}LABEL a=b\n`);
  expect(published.ran).toEqual([]);
  expect(environmentOf(rig).version).toBe("a value with spaces");
  expect(eventsOf(published.events, "snapshot-published")).toHaveLength(1);
});

test("with all steps in one layer the value is known, too", async () => {
  await using rig = await printing("1.2");
  await rig.bake(text, { checkpoint: "final" });
  expect(environmentOf(rig).version).toBe("1.2");
  expect((await rig.bake(text)).opened).toBe(0);
});

test("a test sees the value, and ENV after it wins", async () => {
  await using rig = await printing("1.2");
  const { events } = await rig.bake(`${text}TEST ["printenv", "VERSION"]\nENV VERSION=2\n`);
  expect(eventsOf(events, "test-output").map((event) => event.text)).toEqual(["1.2\n"]);
  expect(environmentOf(rig).version).toBe("2");
});
