import { describe, expect, test } from "vitest";
import { parseText } from "../../support/parse-text.ts";

describe("a comment behind an instruction", () => {
  const told = (text: string) =>
    parseText(text).problems.filter((problem) => problem.includes("CommentBehindInstruction"));

  test.each([
    ["FROM a # b\n", "1:8 CommentBehindInstruction "],
    ["FROM a\nENV A=1 # one two\n", "2:9 CommentBehindInstruction "],
    ["FROM a\nENV A=1 \\\n  B=2 # two\n", "3:7 CommentBehindInstruction "],
    ['FROM a\nCMD ["b"] # c\n', "2:11 CommentBehindInstruction "],
    ["FROM a\nEXPOSE 80 #\n", "2:11 CommentBehindInstruction "],
    ["FROM a\nCOPY <<EOF /b # c\n# d\nEOF\n", "2:15 CommentBehindInstruction "],
  ])("is told of, and nothing else: %j", (text, expected) => {
    expect(parseText(text).problems).toEqual([expect.stringContaining(expected)]);
  });

  test.each([
    "FROM a\nRUN b # c\n",
    "FROM a\nENV A b # c\n",
    "FROM a\nENV A='b # c' B=\" # d\"\n",
    "FROM a\nENV A=1 \\\n  # between\n  B=2\n",
    "FROM a\nLABEL a=#1 b=c#\n",
    "FROM a\nCOPY a#b /c\n",
    "FROM a\nCOPY <<EOF /b\nc # d\nEOF\n",
    "FROM a\nENV A=b\\ # c\n",
  ])("is none here: %j", (text) => {
    expect(told(text)).toEqual([]);
  });
});

describe("texts that are no Lightfile", () => {
  test.each(["", "\n", "  \r\n\t", "\uFEFF", "# only a comment\n", "# escape=`\n"])(
    "%j has no instruction",
    (text) => {
      expect(parseText(text).diagnostics.map((diagnostic) => diagnostic.code)).toEqual(["EmptyFile"]);
    },
  );

  test("a binary file gives one error, not one for each line", () => {
    const bytes = `\u007fELF\0\n${"\0\u0001garbage\n".repeat(1000)}`;
    expect(parseText(bytes).problems).toEqual(['1:5 BinaryFile "\\u0000"']);
    expect(parseText("FROM a\nRUN caf\uFFFD\n\uFFFD\n").problems).toEqual(['2:8 InvalidEncoding "\uFFFD"']);
  });
});

describe("the order of instructions", () => {
  test("only ARG may come before FROM, and only the first offender is named", () => {
    expect(parseText("ARG a\nFROM b\n").problems).toEqual([]);
    expect(parseText("RUN a\nENV b=c\nFROM d\n").problems).toEqual(['1:1 InstructionBeforeFrom "RUN"']);
    expect(parseText("SNAPSHOT a\nFROM d\n").problems).toEqual(['1:1 InstructionBeforeFrom "SNAPSHOT"']);
  });

  test("a file of ARGs has no stage", () => {
    expect(parseText("ARG a\nARG b\n").problems).toEqual(['1:1 NoStage "ARG"']);
  });

  test("a misspelt FROM is the only mistake", () => {
    expect(parseText("FORM debian\nRUN x\n").problems).toEqual(['1:1 UnknownInstruction "FORM"']);
  });
});

describe("several mistakes", () => {
  test("are all reported in one run, in the order of the text", () => {
    const text = [
      "FRM a",
      "FROM b AS c d",
      "RNU x",
      "COPY y",
      "ENV Z",
      "RUN --mout=a b",
      "CMD ['x']",
      "",
    ].join("\n");
    expect(parseText(text).problems).toEqual([
      '1:1 UnknownInstruction "FRM"',
      '2:13 UnexpectedArguments "d"',
      '3:1 UnknownInstruction "RNU"',
      '4:1 MissingArguments "COPY"',
      '5:5 InvalidAssignment "Z"',
      '6:5 UnknownFlag "--mout"',
      "7:5 MalformedJsonArray \"['x']\"",
    ]);
  });

  test("leave the instructions around them intact", () => {
    const { tree } = parseText("FROM a\nFROM\nRUN x\nBLAH\nUSER y\n");
    expect(tree.instructions.map((instruction) => instruction.kind)).toEqual([
      "from",
      "invalid",
      "run",
      "invalid",
      "user",
    ]);
  });

  test.each([
    ["RNU", "RUN"],
    ["run", undefined],
    ["FORM", "FROM"],
    ["COPPY", "COPY"],
    ["SNAPSHOOT", "SNAPSHOT"],
    ["ENTRYPONT", "ENTRYPOINT"],
    ["WORKDIRECTORY", undefined],
  ])("%s suggests %s", (written, meant) => {
    const hint = parseText(`FROM a\n${written} x\n`).diagnostics[0]?.hint;
    if (meant === undefined) expect(hint ?? "").not.toContain("did you mean");
    else expect(hint).toBe(`did you mean ${meant}?`);
  });

  test("a comment behind the escape character is named, which keeps it from continuing", () => {
    const text = "FROM a\nRUN apt-get install \\ # tools\n  git\n";
    const [problem] = parseText(text).diagnostics;
    expect(problem).toMatchObject({
      code: "UnknownInstruction",
      hint: "give that comment a line of its own",
    });
    expect(problem?.related).toHaveLength(1);
    const range = problem?.related?.[0]?.range;
    expect(text.slice(range?.start, range?.end)).toBe("# tools");
    for (const other of ["# b \\ # c", "RUN b # c", "RUN b \\x # c"]) {
      expect(parseText(`FROM a\n${other}\ngit\n`).diagnostics[0]?.related).toBeUndefined();
    }
  });

  test("a flag of Docker that cannot act here is refused with the reason", () => {
    expect(parseText("FROM a\nRUN --device=nvidia.com/gpu=all x\n").diagnostics).toMatchObject([
      { code: "UnknownFlag", hint: expect.stringContaining("no devices of the host") },
    ]);
  });

  test("every diagnostic has a stable code, a message without a full stop, and a hint", () => {
    const { diagnostics } = parseText("RNU a\nFROM a b\nCOPY --x y\nENV =\nRUN <<E\n");
    expect(diagnostics.length).toBeGreaterThan(4);
    for (const { code, message, hint } of diagnostics) {
      expect(code).toMatch(/^[A-Z][A-Za-z]+$/);
      expect(message).not.toMatch(/\.$/);
      expect(hint).toBeDefined();
    }
  });
});
