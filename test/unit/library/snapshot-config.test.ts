import { expect, test } from "vitest";
import { defineSnapshot, exec, lightfileOf, shell } from "../../../src/library/snapshot-config.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { codingAgentsPreset } from "../../../src/presets.ts";

test("a snapshot config becomes the Lightfile that says the same", () => {
  const config = defineSnapshot({
    name: "node-ci",
    image: "node:22",
    resources: { cpus: 4, memory: "4G" },
    workdir: "/work",
    env: { CI: "true", PRICE: 'the "$" sign' },
    setup: ["npm i -g pnpm@9", shell("a && b", "two things"), exec("cargo", ["install", "x"])],
    labels: { team: "platform" },
  });
  expect(lightfileOf(config)).toBe(`FROM node:22
SNAPSHOT node-ci
RESOURCES cpus=4 memory=4G
LABEL team="platform"
ENV CI="true"
ENV PRICE="the \\"\\$\\" sign"
WORKDIR /work
RUN ["/bin/sh","-c","npm i -g pnpm@9"]
# two things
RUN ["/bin/sh","-c","a && b"]
RUN ["cargo","install","x"]
`);
});

test("a preset can be appended to, and its Lightfile has no mistakes", () => {
  const preset = codingAgentsPreset({ name: "agents" });
  preset.setup.push("apt-get update");
  const { value, diagnostics } = parseLightfile({ path: "Lightfile", text: lightfileOf(preset) });
  expect(diagnostics).toEqual([]);
  expect(value.instructions.filter((instruction) => instruction.kind === "run")).toHaveLength(5);
});
