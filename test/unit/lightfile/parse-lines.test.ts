import { describe, expect, test } from "vitest";
import { instructionOf, parseText } from "../../support/parse-text.ts";

const lineOf = (text: string): string => {
  const { command } = instructionOf(text, "run");
  return command.form === "shell" ? command.line.text : JSON.stringify(command.argv.map((word) => word.text));
};

describe("lines", () => {
  test("a byte-order mark, CRLF line ends and a missing last line end change nothing", () => {
    const plain = parseText("FROM a AS b\nRUN c \\\n  d\n");
    const odd = parseText("\uFEFFFROM a AS b\r\nRUN c \\\r\n  d");
    expect(odd.problems).toEqual([]);
    expect(odd.tree.instructions.map((instruction) => instruction.kind)).toEqual(["from", "run"]);
    expect(lineOf(odd.tree.source.text)).toBe(lineOf(plain.tree.source.text));
  });

  test("instruction names may be written in any case", () => {
    const { tree, problems } = parseText("from a as B\nrUn x\ncopy a b\n");
    expect(problems).toEqual([]);
    expect(tree.instructions.map((instruction) => instruction.kind)).toEqual(["from", "run", "copy"]);
  });

  test("white space before an instruction and tabs between words are passed over", () => {
    const copy = instructionOf("FROM a\n \t COPY\ta \t b\t\n", "copy");
    expect(copy.sources.map((word) => word.text)).toEqual(["a"]);
    expect(copy.destination.text).toBe("b");
  });

  test("a line longer than 65,535 bytes is an error, one of exactly that length is not", () => {
    const ofLength = (length: number): string => `FROM a\nRUN ${"x".repeat(length - 4)}\n`;
    expect(parseText(ofLength(65_535)).problems).toEqual([]);
    expect(parseText(ofLength(65_536)).diagnostics.map((diagnostic) => diagnostic.code)).toEqual([
      "LineTooLong",
    ]);
    expect(parseText(`FROM a\nRUN ${"ä".repeat(32_768)}`).diagnostics).toHaveLength(1);
  });
});

describe("continuations", () => {
  test("the line end disappears and the next line's indentation stays", () => {
    expect(lineOf("FROM a\nRUN b \\\n   c\n")).toBe("b    c");
    expect(lineOf("FROM a\nRUN b\\\nc\n")).toBe("bc");
  });

  test("blanks after the escape character are forgiven", () => {
    expect(lineOf("FROM a\nRUN b \\ \t\nc\n")).toBe("b c");
  });

  test("a doubled escape character does not join", () => {
    const { tree } = parseText("FROM a\nRUN b \\\\\nRUN c\n");
    expect(tree.instructions).toHaveLength(3);
  });

  test("comment lines in between vanish from the command and are kept as comments", () => {
    const text = "FROM a\nRUN b && \\\n  # why \\\n  c\n";
    expect(lineOf(text)).toBe("b &&   c");
    expect(parseText(text).tree.comments.map((comment) => comment.text)).toEqual([" why \\"]);
  });

  test("a blank line in between is passed over with a warning", () => {
    const { problems } = parseText("FROM a\nRUN b \\\n\n  c\n");
    expect(problems).toEqual(['3:1 NoEmptyContinuation ""']);
    expect(lineOf("FROM a\nRUN b \\\n\n  c\n")).toBe("b   c");
  });

  test("one at the end of the file is accepted", () => {
    expect(parseText("FROM a\nRUN b \\").problems).toEqual([]);
    expect(lineOf("FROM a\nRUN b \\\n")).toBe("b");
    expect(lineOf("FROM a\nRUN b \\\n# done")).toBe("b");
  });

  test("a word, a flag and a JSON array may go on in the next line", () => {
    const copy = instructionOf("FROM a\nCOPY --from=\\\nx src\\\n/file \\\n /to\n", "copy");
    expect(copy.flags[0]?.value?.text).toBe("x");
    expect(copy.sources[0]?.text).toBe("src/file");
    expect(copy.destination.text).toBe("/to");
    expect(lineOf('FROM a\nRUN ["b", \\\n  "c"]\n')).toBe('["b","c"]');
  });

  test("an instruction's name that runs into the next line is reported", () => {
    expect(parseText("FROM a\nENV\\\nA=1\n").problems).toEqual(['2:1 MissingBlank "ENV"']);
    expect(parseText("FROM a\nENV\\\n A=1\n").problems).toEqual([]);
  });
});

describe("directives", () => {
  test("escape=` makes the backtick continue lines and leaves the backslash alone", () => {
    const text = "# escape=`\nFROM a\nRUN dir C:\\ `\n  /w\n";
    expect(parseText(text).tree.escape).toBe("`");
    expect(lineOf(text)).toBe("dir C:\\   /w");
  });

  test("they end at the first other comment, blank line or instruction", () => {
    for (const before of ["# hello\n", "\n", "# unknown=1\n", "ARG x\n"]) {
      expect(parseText(`${before}# escape=\`\nFROM a\n`).tree.escape).toBe("\\");
    }
  });

  test("names ignore case and blanks around = are allowed", () => {
    const { tree, problems } = parseText("#  Syntax =  docker/dockerfile:1 \n# ESCAPE = `\nFROM a\n");
    expect(problems).toEqual([]);
    expect(tree.escape).toBe("`");
    expect(tree.directives.map(({ value }) => value.text)).toEqual(["docker/dockerfile:1", "`"]);
    expect(tree.comments).toEqual([]);
  });

  test("a second one of the same name and a wrong escape character are errors", () => {
    expect(parseText("# escape=x\n# escape=`\nFROM a\n").problems).toEqual([
      '1:10 InvalidDirective "x"',
      '2:1 DuplicateDirective "# escape=`"',
    ]);
  });

  test("check takes skip, error and experimental only", () => {
    expect(
      parseText("# check=skip=JSONArgsRecommended,StageNameCasing;error=true\nFROM a\n").problems,
    ).toEqual([]);
    expect(parseText("# check=skip=all;eror=true\nFROM a\n").problems).toEqual([
      '1:18 InvalidDirective "eror=true"',
    ]);
  });
});
