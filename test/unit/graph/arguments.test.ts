import { describe, expect, test } from "vitest";
import { describeArguments } from "../../../src/graph/describe-arguments.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { inStage, mistakesIn, stepsOf } from "../../support/planned.ts";

const given = (values: Readonly<Record<string, string>>) => ({ buildArguments: values });

describe("a typed ARG", () => {
  test.each([
    ["ARG --type=int A=1", {}],
    ["ARG --type=int A=-5", {}],
    ["ARG --type=int A", {}],
    ["ARG --type=int A=1", { A: "22" }],
    ["ARG --type=bool A=false", { A: "true" }],
    ["ARG --type=string A=x", {}],
    ["ARG --choices=dev,prod A=dev", { A: "prod" }],
    ["ARG --required A", { A: "" }],
    ["ARG --describe=x A", {}],
  ])("takes what fits: %s %j", (line, values) => {
    expect(mistakesIn(inStage(line), given(values))).toEqual([]);
    expect(mistakesIn(`${line}\nFROM a\n`, given(values))).toEqual([]);
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    [
      "ARG --type=int A=x",
      {},
      'error WrongArgumentType 2:18 x | "x" is no int | write a whole number, e.g. 8080',
    ],
    [
      "ARG --type=int A=1",
      { A: "x" },
      'error WrongArgumentType 2:16 A | A, which is given as "x", is no int',
    ],
    ["ARG --type=int A=x", { A: "1" }, "error WrongArgumentType 2:18 x"],
    [
      "ARG --type=bool A=yes",
      {},
      'error WrongArgumentType 2:19 yes | "yes" is no bool | write true or false',
    ],
    [
      "ARG --choices=dev,prod A=prd",
      {},
      'error ArgumentNotAChoice 2:26 prd | "prd" is none of the choices for A | did you mean prod?',
    ],
    ["ARG --choices=dev,prod A", { A: "test" }, "error ArgumentNotAChoice 2:24 A"],
    ["ARG --type=int --choices=1,two A=1", {}, "error WrongArgumentType 2:1"],
    ["ARG --choices=dev,,prod A=dev", {}, "error InvalidFlagValue 2:15 dev,,prod"],
    ["ARG --type=number A=1", {}, "error UnknownArgumentType 2:12 number"],
    [
      "ARG --required A",
      {},
      "error ArgumentRequired 2:16 A | A needs a value, and nobody gives one | give it with --build-arg A=…",
    ],
    ["ARG --required A=1", {}, "warning NoEffect 2:16 A"],
  ])("refuses what does not: %s %j", (line, values, expected) => {
    const mistakes = mistakesIn(inStage(line), given(values));
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(expected);
  });

  test("judges a value that a stage takes from the head of the file", () => {
    expect(mistakesIn("ARG A=x\nFROM a\nARG --type=int A\n")).toEqual([
      expect.stringContaining('error WrongArgumentType 3:16 A | A, which is given as "x", is no int'),
    ]);
  });

  test("judges a default only once the image's variables are known", () => {
    const text = inStage("ARG --type=int A=$FROM_IMAGE");
    const configuration = { environment: { FROM_IMAGE: "7" } };
    expect(mistakesIn(text, { configuration })).toEqual([]);
  });

  test("has its flags for all of its names", () => {
    expect(mistakesIn(inStage("ARG --type=int A=1 B=x"))).toEqual([
      expect.stringContaining("error WrongArgumentType 2:22 x"),
    ]);
  });
});

test("the platform's arguments need no declaration before FROM, and a bare one in a stage", () => {
  const text = "FROM a\nARG TARGETARCH\nARG BUILDPLATFORM\nRUN x\n";
  const [step] = stepsOf(text, { platform: "linux/arm64/v8" });
  expect(step?.variables).toMatchObject({ TARGETARCH: "arm64", BUILDPLATFORM: "linux/arm64/v8" });
});

test("describing names each argument once, with all that the file says of it", () => {
  const { value } = parseLightfile({
    path: "Lightfile",
    text: [
      "# VERSION of the app, as",
      "# released",
      "ARG --type=int VERSION=3",
      "# something else",
      "ARG --choices=dev,prod --required MODE",
      "FROM a AS build",
      "ARG VERSION",
      'ARG --describe="how much is said" MODE DEBUG=',
      "MIXIN tools",
      "ARG HIDDEN=1",
      "FROM b",
      "ARG DEBUG",
      "",
    ].join("\n"),
  });
  expect(describeArguments(value)).toEqual([
    {
      name: "VERSION",
      type: "int",
      choices: [],
      isRequired: false,
      default: "3",
      description: "of the app, as released",
      stages: [],
      line: 3,
    },
    {
      name: "MODE",
      type: "string",
      choices: ["dev", "prod"],
      isRequired: true,
      default: null,
      description: "how much is said",
      stages: [],
      line: 5,
    },
    {
      name: "DEBUG",
      type: "string",
      choices: [],
      isRequired: false,
      default: "",
      description: "how much is said",
      stages: ["build", "1"],
      line: 8,
    },
  ]);
});
