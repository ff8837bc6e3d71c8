import { describe, expect, test } from "vitest";
import type { Heredoc } from "../../../src/lightfile/ast.ts";
import { instructionOf, parseText } from "../../support/parse-text.ts";

const runHeredocs = (lines: string): readonly Heredoc[] =>
  instructionOf(`FROM a\n${lines}\n`, "run").heredocs;

describe("heredocs", () => {
  test("a body goes to the line that equals the word", () => {
    const text = "FROM a\nRUN <<EOF\necho 1\n EOF\n# not a comment\nEOF\nUSER x\n";
    const { tree, problems } = parseText(text);
    expect(problems).toEqual([]);
    expect(tree.instructions.map((instruction) => instruction.kind)).toEqual(["from", "run", "user"]);
    expect(tree.comments).toEqual([]);
    const [heredoc] = instructionOf(text, "run").heredocs;
    expect(heredoc).toMatchObject({
      body: "echo 1\n EOF\n# not a comment\n",
      expand: true,
      stripTabs: false,
    });
    expect(text.slice(heredoc?.bodyRange.start, heredoc?.bodyRange.end)).toBe(heredoc?.body);
  });

  test("the command keeps its own line", () => {
    const { command, range } = instructionOf("FROM a\nRUN python3 <<E > out\nprint()\nE\n", "run");
    expect(command).toMatchObject({ form: "shell", line: { text: "python3 <<E > out" } });
    expect(range).toEqual({ start: 7, end: 38 });
  });

  test("several on one line follow each other", () => {
    const copy = instructionOf("FROM a\nCOPY <<one <<two /to/\n1\none\n2\ntwo\n", "copy");
    expect(copy.sources.map((word) => word.text)).toEqual(["<<one", "<<two"]);
    expect(copy.heredocs.map(({ delimiter, body }) => [delimiter.text, body])).toEqual([
      ["one", "1\n"],
      ["two", "2\n"],
    ]);
  });

  test("any quote in the word turns expansion off", () => {
    for (const word of ["'E'", '"E"', "E''"]) {
      expect(runHeredocs(`RUN <<${word}\n$x\nE`)).toMatchObject([{ expand: false, body: "$x\n" }]);
    }
    expect(runHeredocs("RUN <<'a b'\nx\na b")).toMatchObject([{ delimiter: { text: "a b" }, expand: false }]);
    expect(runHeredocs("RUN <<a\\'b\nx\na'b")).toMatchObject([{ delimiter: { text: "a'b" }, expand: true }]);
  });

  test("<<- removes leading tabs, of the body and of the last line", () => {
    expect(runHeredocs("RUN <<-E\n\t\ta\n \tb\n\tE")).toMatchObject([{ body: "a\n \tb\n", stripTabs: true }]);
  });

  test("a file descriptor and blanks before the word are allowed", () => {
    expect(runHeredocs("RUN cat 3<<E\na\nE")).toHaveLength(1);
    expect(runHeredocs("RUN cat <<  E\na\nE")).toMatchObject([{ delimiter: { text: "E" }, body: "a\n" }]);
  });

  test("line ends of the body are line feeds, whatever the file has", () => {
    expect(runHeredocs("RUN <<E\r\na\r\nb\r\nE\r")).toMatchObject([{ body: "a\nb\n" }]);
  });

  test.each([
    'RUN echo "<<E"',
    "RUN echo '<<E'",
    "RUN cat <<<E",
    "RUN a<<E",
    'RUN ["sh", "<<E"]',
    "USER <<E",
    "RUN echo \\<<E",
  ])("%s starts none", (line) => {
    const { tree } = parseText(`FROM a\n${line}\nE\n`);
    expect(tree.instructions.map((instruction) => instruction.heredocs.length)).toEqual([0, 0, 0]);
  });

  test("an empty body and the end of the file are fine", () => {
    expect(runHeredocs("RUN <<E\nE")).toMatchObject([{ body: "" }]);
    expect(parseText("FROM a\nRUN <<E\nx\nE").problems).toEqual([]);
  });

  test("continuations come before the bodies", () => {
    const run = instructionOf("FROM a\nRUN <<E cat && \\\n  true\nx\nE\n", "run");
    expect(run.command).toMatchObject({ line: { text: "<<E cat &&   true" } });
    expect(run.heredocs).toMatchObject([{ body: "x\n" }]);
  });

  test("ONBUILD may have them", () => {
    expect(instructionOf("FROM a\nONBUILD COPY <<E /x\ny\nE\n", "onbuild").heredocs).toMatchObject([
      { body: "y\n" },
    ]);
  });

  test("one that is never closed is reported where it opens, with the line that nearly closes it", () => {
    const { problems, diagnostics } = parseText("FROM a\nRUN <<E\nx\n  E\nUSER y\n");
    expect(problems).toEqual(['2:7 UnterminatedHeredoc "E"']);
    expect(diagnostics[0]?.related).toMatchObject([{ range: { start: 19, end: 20 } }]);
    expect(diagnostics[0]?.hint).toBe(
      "write E at the start of its line, or open with <<-E and indent with tabs",
    );
  });

  test.each([
    ["FROM a\nRUN <<EOF", '2:7 UnterminatedHeredoc "EOF"'],
    ["FROM a\nRUN <<EOF\n", '2:7 UnterminatedHeredoc "EOF"'],
    ["FROM a\r\nRUN <<EOF\r\n", '2:7 UnterminatedHeredoc "EOF"'],
    ["FROM a\nCOPY <<EOF /x\n", '2:8 UnterminatedHeredoc "EOF"'],
    ["FROM a\nONBUILD RUN <<EOF\n", '2:15 UnterminatedHeredoc "EOF"'],
    ["FROM a\nRUN <<EOF \\\n", '2:7 UnterminatedHeredoc "EOF"'],
    ["FROM a\nRUN <<A <<B\nx\nA\n", '2:11 UnterminatedHeredoc "B"'],
  ])("one is never closed either when the file ends where its body would begin: %j", (text, problem) => {
    const { problems, tree } = parseText(text);
    expect(problems).toEqual([problem]);
    const heredoc = tree.instructions.at(-1)?.heredocs.at(-1);
    expect(heredoc?.body).toBe("");
    expect(heredoc?.bodyRange).toEqual({ start: text.length, end: text.length });
  });

  test("one whose word goes on as it would not for a shell has a hint at that", () => {
    const { problems, diagnostics } = parseText("FROM a\nRUN cat <<EOF>/x\ny\nEOF\n");
    expect(problems).toEqual(['2:11 UnterminatedHeredoc "EOF>/x"']);
    expect(diagnostics[0]?.hint).toBe(
      "write a blank behind EOF if the word ends there; else add a line that holds EOF>/x and nothing else",
    );
  });

  test("one behind a misspelt instruction swallows its body, and nothing when it is not closed", () => {
    expect(parseText("FROM a\nRNU <<E\nx\nE\nUSER y\n").problems).toEqual(['2:1 UnknownInstruction "RNU"']);
    expect(parseText("FROM a\nRNU <<E\nUSER y\n").problems).toEqual(['2:1 UnknownInstruction "RNU"']);
  });

  test("it cannot be the destination", () => {
    expect(parseText("FROM a\nCOPY b <<E\nx\nE\n").problems).toEqual(['2:8 HeredocDestination "<<E"']);
  });
});
