import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { createProgram } from "../../../src/cli/program.ts";
import { drawPlan } from "../../../src/graph/draw.ts";
import { findHome } from "../../../src/host/home.ts";
import { stepId } from "../../../src/model/identifiers.ts";
import { commandRig } from "../../support/command-rig.ts";
import { planOf } from "../../support/planned.ts";
import { writeTinyArchive } from "../images/tiny-image.ts";

const page = await readFile(new URL("../../../docs/cli.md", import.meta.url), "utf8");

const program = createProgram({
  home: findHome({}),
  environment: {},
  environmentRead: () => null,
  workingDirectory: "/",
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: new AbortController().signal,
  version: "1.2.3",
  onMachineEvent() {},
  exitCode: 0,
});

/** Those of everybody's; the head of the page describes them. */
const sharedOptions = new Set(["--host", "--help", "--version"]);

/** What stands below each `###` heading that is a command, examples left out. */
const sections = new Map(
  page
    .replaceAll(/^```[\s\S]*?^```$/gm, "")
    .split(/^(?=##)/m)
    .map((section) => [/^### `lightbox ([^`]+)`$/m.exec(section)?.[1] ?? "", section] as const)
    .filter(([title]) => title !== ""),
);

const visible = program
  .createHelp()
  .visibleCommands(program)
  .filter((command) => command.name() !== "help");

/** As it is called, e.g. `run <snapshot> [command...]`. */
function usageOf(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(" ");
}

/** The command's own options, and those of its subcommands. */
function optionsOf(command: Command): { readonly short: string | undefined; readonly long: string }[] {
  const shown = command.options.filter(({ hidden }) => !hidden);
  const own = shown.map(({ short, long }) => ({ short, long: long ?? "" }));
  return [...own, ...command.commands.flatMap(optionsOf)].filter(({ long }) => !sharedOptions.has(long));
}

test("docs/cli.md has a section for each command, headed by how it is called, and no other", () => {
  expect([...sections.keys()].sort()).toEqual(visible.map(usageOf).sort());
});

/** The first JSON behind a heading. */
function exampleBehind(heading: string): string {
  return /```json\n([^`]*)```/.exec(page.slice(page.indexOf(heading)))?.[1] ?? "";
}

test("the JSON of a dry run is as its example shows", async () => {
  await using rig = await commandRig();
  await writeTinyArchive(join(rig.folder, "base.tar"));
  const lightfile = join(rig.folder, "Lightfile");
  await writeFile(lightfile, "FROM ./base.tar\nRUN build\nSNAPSHOT app\n");
  expect(await rig.run("bake")).toMatchObject({ exitCode: 0 });
  await writeFile(lightfile, "FROM ./base.tar\nSNAPSHOT app\nRUN build\nRUN make\nTEST make check\n");
  const { stdout } = await rig.run("bake", "--dry-run", "--progress=json");
  const { steps, ...rest } = JSON.parse(stdout);
  const { layer, ...step } = steps[1];
  const { steps: shownSteps, ...shownRest } = JSON.parse(exampleBehind("### `lightbox bake"));
  const { layer: shownLayer, ...shownStep } = shownSteps[0];
  expect({ rest, step }).toEqual({ rest: shownRest, step: shownStep });
  expect(layer).toHaveLength(shownLayer.length);
});

test("the JSON of lightbox graph is as its example shows", () => {
  const example = exampleBehind("### `lightbox graph");
  const plan = planOf(`FROM debian:trixie-slim AS build
RESOURCES disk=8G
RUN make
FROM debian:trixie-slim
RESOURCES disk=8G
COPY --from=build /app /app
SNAPSHOT app
`);
  const statuses = new Map([
    [stepId("build/1"), "cached"],
    [stepId("1/1"), "will-run"],
  ]);
  const drawn = drawPlan(plan, "json", statuses).replaceAll(/sha256:\w+/g, "sha256:…");
  expect(JSON.parse(drawn)).toEqual(JSON.parse(example));
});

test("the head of docs/cli.md describes what all commands take", () => {
  const head = page.slice(0, page.indexOf("\n### "));
  for (const option of sharedOptions) expect(head).toContain(option);
});

describe.each(visible.map((command) => [command.name(), command] as const))(
  "lightbox %s",
  (name, command) => {
    const section = sections.get(usageOf(command)) ?? "";
    const options = optionsOf(command);

    test("has each of its options described, and none that it does not take", () => {
      const documented = new Set(
        [...section.matchAll(/(?<=[`\s])--[a-z][a-z-]*/g)].map(([option]) => option),
      );
      const known = new Set(options.map(({ long }) => long));
      expect([...known].filter((option) => !documented.has(option))).toEqual([]);
      expect([...documented].filter((option) => !known.has(option))).toEqual([]);
    });

    test("has its short options beside the long ones", () => {
      const shown = options.map(({ short, long }) => (short === undefined ? long : `${short}, ${long}`));
      expect(shown.filter((option) => !section.includes(option))).toEqual([]);
    });

    test("has each of its subcommands described", () => {
      const calls = command.commands.map((child) => `\`lightbox ${name} ${child.name()}\``);
      expect(calls.filter((call) => !section.includes(call))).toEqual([]);
    });

    test("names each choice of an option", () => {
      const all = [...command.options, ...command.commands.flatMap((child) => child.options)];
      const choices = all.flatMap((option) => option.argChoices ?? []);
      expect(choices.filter((choice) => !section.includes(choice))).toEqual([]);
    });
  },
);
