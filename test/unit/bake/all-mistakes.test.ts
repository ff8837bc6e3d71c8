import { expect, test } from "vitest";
import { Failure } from "../../../src/diagnostics/failure.ts";
import { noColors } from "../../../src/render/colors.ts";
import { formatFailure } from "../../../src/render/failure-printer.ts";
import { shown } from "../../support/planned.ts";
import { BakeRig } from "./bake-rig.ts";

async function mistakes(
  text: string,
  files: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  await using rig = await BakeRig.create();
  for (const [path, content] of Object.entries(files)) await rig.writeFile(path, content);
  const { outcome } = await rig.bake(text);
  return shown(outcome.diagnostics).map((line) => line.split(" | ")[0] ?? "");
}

test("mistakes that different phases find are told in one run", async () => {
  const found = await mistakes(
    [
      "FROM base:1",
      "COPPY a",
      "SNAPSHOT Bad//Name!",
      "RESOURCES cpus=x",
      "EXPOSE 99999999",
      "COPY missing /",
      "COPY --chmod=9z there /",
      "COPY also-missing there /file",
      "",
    ].join("\n"),
    { there: "" },
  );
  expect(found.toSorted()).toEqual([
    "error DestinationNotDirectory 8:25 /file",
    "error InvalidMode 7:6 --chmod=9z",
    "error InvalidPort 5:8 99999999",
    "error InvalidResource 4:16 x",
    "error InvalidSnapshotName 3:10 Bad//Name!",
    "error SourceNotFound 6:6 missing",
    "error SourceNotFound 8:6 also-missing",
    "error UnknownInstruction 2:1 COPPY",
  ]);
});

test.each([
  ["a misspelt ARG", "ARGG X=1", "LABEL x=$X", "COPY $X/missing /", "SNAPSHOT $X"],
  ["an ARG with a mistake", "ARG X='1", "LABEL x=$X", "EXPOSE $X"],
  ["an ENV with a mistake", "ENV X", "LABEL x=$X", "EXPOSE $X", "COPY --from=base:$X a /"],
  ["a flag that does not exist", "RUN --nope true"],
  ["a flag without its value", "COPY --chown= . /"],
  ["a comment behind a COPY", "COPY . /there/ # all of it"],
  ["something like a JSON array", "COPY ['a', 'b']"],
  ["a quote that is never closed", 'ENV X="a', "LABEL x=$X"],
])("%s causes no further report", async (_name, ...lines) => {
  expect(await mistakes(`FROM base:1\n${lines.join("\n")}\n`)).toHaveLength(1);
});

test("what cannot be read before the first FROM causes no further report", async () => {
  expect(await mistakes("ARGG TAG=1\nFROM base:$TAG\nARG TAG\nSNAPSHOT $TAG\n")).toEqual([
    "error UnknownInstruction 1:1 ARGG",
  ]);
  expect(await mistakes("ARG A=1\nENV B=$A\nFROM base:1\nLABEL b=$B\nEXPOSE no\n")).toEqual([
    "error InstructionBeforeFrom 2:1 ENV",
    "error InvalidPort 5:8 no",
  ]);
});

test("a misspelt FROM starts its stage all the same", async () => {
  const text = "FORM base:1 AS one\nEXPOSE no\nFROM base:2\nCOPY --from=one /a /b\nEXPOSE nor\n";
  expect(await mistakes(text)).toEqual([
    "error UnknownInstruction 1:1 FORM",
    "error InvalidPort 2:8 no",
    "error InvalidPort 5:8 nor",
  ]);
});

test("a stage without a base, and a file without a stage, are read to their end", async () => {
  expect(await mistakes("FROM mcr.microsoft.com/windows/nanoserver:1\nEXPOSE no\n")).toEqual([
    "error UnsupportedBase 1:6 mcr.microsoft.com/windows/nanoserver:1",
    "error InvalidPort 2:8 no",
  ]);
  expect(await mistakes("RUN true\nEXPOSE no\n")).toEqual([
    "error InstructionBeforeFrom 1:1 RUN",
    "error InvalidPort 2:8 no",
  ]);
});

test("an image that does not exist is told with the other mistakes, and nothing is judged that rests on it", async () => {
  await using rig = await BakeRig.create();
  rig.unknownImages.add("nothing:1");
  const { outcome } = await rig.bake("FROM nothing:1\nLABEL v=$VERSION\nCOPY missing /\n");
  expect(shown(outcome.diagnostics).map((line) => line.split(" | ")[0])).toEqual([
    "error ImageNotFound 1:6 nothing:1",
    "error SourceNotFound 3:6 missing",
  ]);
});

test("no registry is asked when there are mistakes already", async () => {
  await using rig = await BakeRig.create();
  rig.unknownImages.add("nothing:1");
  const { events } = await rig.bake("FROM nothing:1\nEXPOSE no\n");
  expect(events.filter(({ kind }) => kind === "base-resolving")).toEqual([]);
  expect(events.filter(({ kind }) => kind === "diagnostic")).toHaveLength(1);
});

const unreachable = new Failure({
  code: "RegistryUnreachable",
  category: "environment",
  message: "the registry example.test cannot be reached",
  hint: "try again",
});

test("trouble with a registry comes with the place of its FROM, and keeps its category", async () => {
  await using rig = await BakeRig.create({ images: [] });
  const places: readonly (readonly ["imageTrouble" | "layoutTrouble", string])[] = [
    ["imageTrouble", "FROM base:1\nRUN x\n"],
    ["layoutTrouble", "FROM base:1\nRUN x\n"],
  ];
  for (const [trouble, text] of places) {
    rig.imageTrouble = null;
    rig[trouble] = unreachable;
    const failure: unknown = await rig.bake(text).catch((error: unknown) => error);
    if (!(failure instanceof Failure)) throw new Error("no failure");
    expect(failure).toMatchObject({ code: "RegistryUnreachable", category: "environment" });
    expect(formatFailure(failure, { colors: noColors, columns: 80 })).toBe(
      [
        "Lightfile:1:6: error[RegistryUnreachable]: the registry example.test cannot be reached",
        "  1 | FROM base:1",
        "    |      ^^^^^^",
        "  hint: try again",
        "",
      ].join("\n"),
    );
  }
});

test("trouble with a registry says, too, which stage may have been meant", async () => {
  await using rig = await BakeRig.create({ images: [] });
  rig.imageTrouble = unreachable;
  const failure: unknown = await rig
    .bake("FROM base:1 AS build\nFROM biuld\nRUN x\n")
    .catch((error: unknown) => error);
  if (!(failure instanceof Failure)) throw new Error("no failure");
  expect(failure.diagnostics.map(({ hint }) => hint)).toEqual([
    "no stage is named biuld, so it is an image; did you mean the stage build?\ntry again",
  ]);
});

test("trouble with a registry does not hide mistakes that only the context shows", async () => {
  await using rig = await BakeRig.create();
  rig.imageTrouble = unreachable;
  const { outcome } = await rig.bake("FROM base:1\nCOPY missing /\n");
  expect(outcome.kind).toBe("invalid");
  expect(outcome.diagnostics.map(({ code }) => code).toSorted()).toEqual([
    "RegistryUnreachable",
    "SourceNotFound",
  ]);
});

test("what the context shows of a mixin is told once, with the place that uses it", async () => {
  await using rig = await BakeRig.create();
  const { outcome } = await rig.bake("MIXIN m\nCOPY missing /\nFROM base:1\nUSE m\nUSE m\n");
  expect(outcome.diagnostics).toMatchObject([
    { code: "SourceNotFound", range: { start: 13 }, related: [{ message: "mixin m is used here" }] },
  ]);
});

test("a context that is not there is told with the mistakes of the file", async () => {
  await using rig = await BakeRig.create();
  const failure: unknown = await rig
    .bake("FROM base:1\nEXPOSE no\nCOPY a /\n", { contextDirectory: `${rig.folder}/nowhere` })
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: "ContextNotFound",
    category: "usage",
    diagnostics: [expect.objectContaining({ code: "InvalidPort" })],
  });
});

/** As {@link mistakes}, with the name of the file that each is in. */
async function mistakesInFiles(
  text: string,
  files: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  await using rig = await BakeRig.create();
  for (const [path, content] of Object.entries(files)) await rig.writeFile(path, content);
  const { outcome } = await rig.bake(text);
  return outcome.diagnostics.map(
    ({ source, code, range }) => `${source.path} ${code} ${source.text.slice(range.start, range.end)}`,
  );
}

test("mistakes of joined files are told in the same run, and their contexts are read", async () => {
  const found = await mistakesInFiles("FROM ./other#base\nEXPOSE no\nCOPY missing /\n", {
    "other/Lightfile": "FROM base:1 AS base\nRUNN x\nEXPOSE nor\nCOPY away /\nLABEL x=$X\n",
  });
  expect(found.toSorted()).toEqual([
    "Lightfile InvalidPort no",
    "Lightfile SourceNotFound missing",
    "other/Lightfile InvalidPort nor",
    "other/Lightfile SourceNotFound away",
    "other/Lightfile UnknownInstruction RUNN",
  ]);
});

test.each([
  ["a mixin with a line that cannot be read", "MIXIN m\nENV X\n", "USE m\nLABEL x=$X\nCOPY $X/a /"],
  ["a parameter whose ARG cannot be read", "MIXIN m\nARGG A=1\n", "USE m A=2"],
  ["a misspelt MIXIN", "MIXN m\nENV A=1\n", "USE m\nLABEL a=$A"],
  ["a misspelt IMPORT", "IMPROT ./other AS o\n", "USE o#m\nLABEL a=$A\nCOPY --from=o#stage a /"],
  ["a USE that cannot be read", "MIXIN m\nARG --required A\nCOPY $A /\n", "USE m A='1"],
])("%s causes no further report", async (_name, head, lines) => {
  expect(await mistakes(`${head}FROM base:1\n${lines}\n`)).toHaveLength(1);
});

test("what a mixin is given is not looked for when its value is not known", async () => {
  const text =
    "MIXIN m\nARG A\nCOPY $A/missing /\nCOPY missing /\nFROM base:1\nENVV B=1\nUSE m A=$B\nEXPOSE no\n";
  expect(await mistakes(text)).toEqual(["error UnknownInstruction 6:1 ENVV", "error InvalidPort 8:8 no"]);
});

test("an IMPORT behind a FROM ends no stage", async () => {
  expect(await mistakes("FROM base:1\nIMPORT ./other AS o\nEXPOSE no\n")).toEqual([
    "error MisplacedImport 2:1 IMPORT",
    "error InvalidPort 3:8 no",
  ]);
});

test("no repository is fetched and nothing downloaded when there are mistakes already", async () => {
  const address = "http://127.0.0.1:1";
  const text = `FROM ${address}/x.git#main\nEXPOS 1\nADD ${address}/file /\nCOPY missing /\n`;
  expect(await mistakes(text)).toEqual([
    "error UnknownInstruction 2:1 EXPOS",
    "error SourceNotFound 4:6 missing",
  ]);
});
