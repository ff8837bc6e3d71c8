import * as fc from "fast-check";
import stringWidth from "fast-string-width";
import { expect, test } from "vitest";
import type { Diagnostic } from "../../../src/diagnostics/diagnostic.ts";
import { Failure } from "../../../src/diagnostics/failure.ts";
import { wholeText } from "../../../src/diagnostics/source-file.ts";
import { noColors } from "../../../src/render/colors.ts";
import { formatDiagnostic, printDiagnostics } from "../../../src/render/diagnostic-printer.ts";
import { formatFailure } from "../../../src/render/failure-printer.ts";
import { MemoryStream } from "./memory-stream.ts";

/** A diagnostic at the text between the first two `|` of the source. */
function diagnosticAt(marked: string, more: Partial<Diagnostic> = {}): Diagnostic {
  const start = marked.indexOf("|");
  const end = marked.indexOf("|", start + 1) - 1;
  const source = { path: "Lightfile", text: marked.replace("|", "").replace("|", "") };
  return {
    code: "SomeCode",
    severity: "error",
    message: "something is wrong",
    source,
    range: { start, end },
    ...more,
  };
}

function print(marked: string, more: Partial<Diagnostic> = {}, columns = 80): string {
  return `\n${formatDiagnostic(diagnosticAt(marked, more), { colors: noColors, columns })}`;
}

test("place, code, message, source line, marks and hint", () => {
  expect(print("FROM x\n|RNU| make\n", { hint: "did you mean RUN?" })).toBe(`
Lightfile:2:1: error[SomeCode]: something is wrong
  2 | RNU make
    | ^^^
  hint: did you mean RUN?
`);
});

test("a statement about the whole text, such as one about the command line, shows no line of it", () => {
  expect(print("FROM x\n", { range: wholeText, hint: "did you mean web?" })).toBe(`
Lightfile: error[SomeCode]: something is wrong
  hint: did you mean web?
`);
});

test("marks stand below tabs and wide characters where they belong", () => {
  expect(print("RUN\t漢字 👩‍💻 |e\tor| x")).toBe(`
Lightfile:1:14: error[SomeCode]: something is wrong
  1 | RUN 漢字 👩‍💻 e   or x
    |             ^^^^^^
`);
});

test("an empty range at the end of a line gets a caret", () => {
  expect(print("FROM||\nRUN x\n")).toBe(`
Lightfile:1:5: error[SomeCode]: something is wrong
  1 | FROM
    |     ^
`);
});

test("a range over several lines marks each, without the indentation", () => {
  expect(print("|RUN a \\\n    b \\\n  c| d\n")).toBe(`
Lightfile:1:1: error[SomeCode]: something is wrong
  1 | RUN a \\
    | ^^^^^^^
  2 |     b \\
    |     ^^^
  3 |   c d
    |   ^
`);
});

test("of a long range the first lines are shown and the others counted", () => {
  const text = `|${"RUN x\n".repeat(20)}|`;
  const printed = print(text);
  expect(printed).toContain("  6 | RUN x\n");
  expect(printed).not.toContain("  7 | RUN x\n");
  expect(printed).toContain("… 15 more lines");
});

test("a long line is cut around the marks", () => {
  const line = `RUN ${"a".repeat(300)} |wrong| ${"b".repeat(300)}`;
  const printed = print(line, {}, 60);
  const [, , source = "", marks = ""] = printed.split("\n");
  expect(source).toMatch(/^ {2}1 \| …a+ wrong b+…$/);
  expect(source.length).toBeLessThanOrEqual(60);
  expect(source.slice(marks.indexOf("^"), marks.lastIndexOf("^") + 1)).toBe("wrong");
});

test("marks that are longer than the line are cut with it", () => {
  const [, , source = "", marks = ""] = print(`RUN |${"x".repeat(5000)}|`, {}, 40).split("\n");
  expect(source.length).toBeLessThanOrEqual(40);
  expect(marks.length).toBeLessThanOrEqual(source.length);
  expect(marks).toContain("^^^^^");
});

test("control characters of the source do not reach the terminal", () => {
  const printed = print("RUN \x1b[2J|bad|\x07");
  expect(printed).not.toContain("\x1b");
  expect(printed).not.toContain("\x07");
});

test("related places come with their own excerpt", () => {
  const source = { path: "Lightfile", text: "FROM a AS x\nFROM b AS x\n" };
  const diagnostic: Diagnostic = {
    code: "DuplicateStageName",
    severity: "warning",
    message: "two stages are called x",
    source,
    range: { start: 22, end: 23 },
    related: [{ message: "first defined here", source, range: { start: 10, end: 11 } }],
  };
  expect(`\n${formatDiagnostic(diagnostic, { colors: noColors, columns: 80 })}`).toBe(`
Lightfile:2:11: warning[DuplicateStageName]: two stages are called x
  2 | FROM b AS x
    |           ^
  Lightfile:1:11: first defined here
  1 | FROM a AS x
    |           ^
`);
});

test("colours are for terminals", () => {
  const pipe = new MemoryStream();
  const terminal = new MemoryStream({ isTTY: true });
  printDiagnostics([diagnosticAt("|RNU| x")], pipe, {});
  printDiagnostics([diagnosticAt("|RNU| x")], terminal, {});
  expect(pipe.written).not.toContain("\x1b");
  expect(terminal.written).toContain("\x1b[31m^^^");
});

test("a failure shows message, code and every line of its hint", () => {
  const failure = new Failure({
    code: "NoSpaceLeft",
    category: "environment",
    message: "no space left in /store",
    hint: "free some space:\nlightbox prune --keep-storage 5G",
  });
  expect(`\n${formatFailure(failure, { colors: noColors, columns: 80 })}`).toBe(`
error[NoSpaceLeft]: no space left in /store
  hint: free some space:
        lightbox prune --keep-storage 5G
`);
});

test("whatever the text, the range and the width, no line is wider than the terminal", () => {
  const pieces = fc.constantFrom(
    "a",
    "word ",
    "\t",
    "漢",
    "👩‍💻",
    "e\u0301",
    "\x1b[2J",
    "\u202e",
    "\ud83d",
    "\n",
  );
  fc.assert(
    fc.property(
      fc.array(pieces, { maxLength: 200 }),
      fc.nat(250),
      fc.nat(250),
      fc.integer({ min: 30, max: 120 }),
      (parts, start, length, columns) => {
        const source = { path: "L", text: parts.join("") };
        const diagnostic = { ...diagnosticAt("||"), source, range: { start, end: start + length } };
        const lines = formatDiagnostic(diagnostic, { colors: noColors, columns }).split("\n");
        for (const line of lines.slice(1)) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
        const isOfWholeText = start === wholeText.start && start + length === wholeText.end;
        const hasMark = lines.some((line) => /^\s+\|\s+\^/.test(line));
        expect(hasMark || source.text.length === 0).toBe(!isOfWholeText || source.text.length === 0);
      },
    ),
  );
});
