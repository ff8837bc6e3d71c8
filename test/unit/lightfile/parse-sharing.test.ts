import { describe, expect, test } from "vitest";
import { instructionOf, parseText } from "../../support/parse-text.ts";

const inStage = (lines: string): string => `FROM a\n${lines}\n`;
const textOf = (word: { readonly text: string } | null): string | undefined => word?.text;

describe("FROM and IMPORT", () => {
  test("take references and arguments for the other file", () => {
    const from = instructionOf("FROM --arg=A=1 --arg=B='2 3' ../b/Lightfile#t as X\n", "from");
    expect(from.flags.map(({ name, value }) => [name.text, value?.text])).toEqual([
      ["arg", "A=1"],
      ["arg", "B=2 3"],
    ]);
    expect([from.image, from.as, from.alias].map(textOf)).toEqual(["../b/Lightfile#t", "as", "X"]);
    const imported = instructionOf("IMPORT https://h/x.git#v1:a/Lightfile#t AS lib\nFROM lib#x\n", "import");
    expect([imported.reference, imported.as, imported.alias].map(textOf)).toEqual([
      "https://h/x.git#v1:a/Lightfile#t",
      "AS",
      "lib",
    ]);
  });

  test.each([
    ["ARG A\nIMPORT ./a AS a\nARG B\nFROM b\n", []],
    ["IMPORT ./a AS a\nMIXIN m\nRUN x\nIMPORT ./b AS b\nMIXIN n\nRUN y\nFROM c\n", []],
    ["FROM a\nIMPORT ./b AS b\n", ['2:1 MisplacedImport "IMPORT"']],
    ["FROM a\nMIXIN m\nIMPORT ./b AS b\n", ['3:1 MisplacedImport "IMPORT"']],
    ["IMPORT ./a AS x\nIMPORT ./b AS X\nFROM a\n", ['2:15 DuplicateImport "X"']],
    ["MIXIN m\nRUN x\nIMPORT ./b AS b\nRUN y\nFROM c\n", ['4:1 InstructionBeforeFrom "RUN"']],
    ["MIXIN m\nRUN x\nIMPORT ./b AS b\nARG y\nFROM c\n", ['4:1 InstructionBeforeFrom "ARG"']],
  ])("of %j the places are %j", (text, problems) => {
    expect(parseText(text).problems).toEqual(problems);
  });
});

describe("MIXIN and USE", () => {
  test("have a name and parameters, written as ENV's pairs are", () => {
    const use = instructionOf(inStage("USE --title='Set up' lib#Node A=1 B='2 3' C= D=\"x=y\""), "use");
    expect(use.mixin.text).toBe("lib#Node");
    expect(use.parameters.map(({ name, value }) => [name.text, value.text])).toEqual([
      ["A", "1"],
      ["B", "'2 3'"],
      ["C", ""],
      ["D", '"x=y"'],
    ]);
    expect(instructionOf("MIXIN Node_1.x\nRUN y\n", "mixin").name.text).toBe("Node_1.x");
  });

  test.each([
    ["MIXIN m\nRUN x\n", []],
    ["MIXIN m\nARG A\nENV B=1\nWORKDIR /x\nUSER y\nCOPY a b\nTEST c\nUSE n\nCMD d\nHEALTHCHECK NONE\n", []],
    [
      "MIXIN m\nSNAPSHOT x\nRESOURCES cpus=1\n",
      ['2:1 NotAllowedInMixin "SNAPSHOT"', '3:1 NotAllowedInMixin "RESOURCES"'],
    ],
    ["FROM a\nSNAPSHOT x\nMIXIN m\nRUN y\nFROM b\nSNAPSHOT z\n", []],
    ["MIXIN m\nMIXIN M\n", ['2:7 DuplicateMixin "M"']],
    ["MIXN m\nRUN x\n", ['1:1 UnknownInstruction "MIXN"']],
    ["MIXIN\nRUN x\n", ['1:1 MissingArguments "MIXIN"']],
    ["USE m\nFROM a\n", ['1:1 InstructionBeforeFrom "USE"']],
  ])("of %j the problems are %j", (text, problems) => {
    expect(parseText(text).problems).toEqual(problems);
  });
});

describe("ENV --from-output", () => {
  test.each([
    ["ENV --from-output A date  +%s", { form: "shell", line: { text: "date  +%s" } }],
    ["ENV --from-output -- A --date", { form: "shell", line: { text: "--date" } }],
    ["ENV --from-output=TRUE A \\\n  # why\n  date", { form: "shell", line: { text: "date" } }],
    ["ENV --retry=2 --from-output --title='a b' A b=c", { form: "shell", line: { text: "b=c" } }],
    ["ENV --from-output='true' A b=c", { form: "shell", line: { text: "b=c" } }],
    ['ENV --from-output A ["date", "+%s"]', { form: "exec", argv: [{ text: "date" }, { text: "+%s" }] }],
  ])("%j has a name and a command", (line, command) => {
    expect(parseText(inStage(line)).problems).toEqual([]);
    expect(instructionOf(inStage(line), "env-from-output")).toMatchObject({ name: { text: "A" }, command });
  });

  test("may have heredocs, as RUN", () => {
    const { command, heredocs } = instructionOf(
      inStage("ENV --from-output A <<X\ndate\nX"),
      "env-from-output",
    );
    expect(command).toMatchObject({ line: { text: "<<X" } });
    expect(heredocs.map(({ body }) => body)).toEqual(["date\n"]);
  });

  test("is an ordinary ENV when it is switched off", () => {
    const { pairs } = instructionOf(inStage("ENV --from-output=false A=1"), "env");
    expect(pairs.map(({ name, value }) => [name.text, value.text])).toEqual([["A", "1"]]);
  });

  test.each([
    ["ENV --from-output", '2:1 MissingArguments "ENV"'],
    ["ENV --from-output A", '2:19 MissingArguments "A"'],
    ["ENV --from-output A-B date", '2:19 InvalidVariableName "A-B"'],
    ["ENV --from-output=yes A=1", '2:5 InvalidFlagValue "--from-output=yes"'],
    ["ENV --from-ouput A=1", '2:5 UnknownFlag "--from-ouput"'],
    ["ENV --from-output --timeout A x", '2:19 MissingFlagValue "--timeout"'],
    ["ENV --from-output --user=x A y", '2:19 UnknownFlag "--user"'],
    ["ENV --timeout=1m A=1", '2:5 FlagWithoutCommand "--timeout"'],
    ["ENV --from-output=false --no-cache A=1", '2:25 FlagWithoutCommand "--no-cache"'],
  ])("%s is reported", (line, problem) => {
    expect(parseText(inStage(line)).problems).toEqual([problem]);
  });
});

describe("TEST", () => {
  test.each([
    ["TEST curl  -f x", { form: "shell", line: { text: "curl  -f x" } }],
    ['TEST --timeout=3s ["a"]', { form: "exec", argv: [{ text: "a" }] }],
    ["TEST <<X\ny\nX", { form: "shell", line: { text: "<<X" } }],
  ])("%j has a command", (line, command) => {
    expect(instructionOf(inStage(line), "test")).toMatchObject({ command });
    expect(parseText(inStage(line)).problems).toEqual([]);
  });
});

describe("half-written JSON arrays", () => {
  test.each(['["a", "b"', '["a" "b"]', "['a', 'b']", '["a"] && b', '[ "a", "b"', "[a, b]", '["a",]'])(
    "%s is no command",
    (text) => {
      expect(parseText(inStage(`RUN ${text}`)).problems).toEqual([
        `2:5 MalformedJsonArray ${JSON.stringify(text)}`,
      ]);
    },
  );

  test.each(["[ -f a ] && b", '[ "$A" = "b" ]', "[[ a == b ]]", "[abc]*", "[ a ]", '[ "a" ] || [ "b", ]'])(
    "%s is one",
    (text) => {
      expect(parseText(inStage(`RUN ${text}`)).problems).toEqual([]);
    },
  );
});
