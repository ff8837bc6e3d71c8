import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasErrors } from "../../../src/diagnostics/diagnostic.ts";
import { format } from "../../../src/lightfile/format/format.ts";
import { layoutChanges, linesOf } from "../../../src/lightfile/format/layout-changes.ts";
import { meaningOf } from "../../support/meaning-of.ts";
import { parseText } from "../../support/parse-text.ts";
import { keysOf, planText } from "../../support/planned.ts";

const repository = new URL("../../../", import.meta.url);

const examples = [
  "Lightfile.example",
  ...readdirSync(new URL("examples/", repository), { recursive: true, encoding: "utf8" })
    .filter((path) => /(?:^|\/)Lightfile[^/]*$/.test(path))
    .map((path) => `examples/${path}`),
];

function read(path: string): string {
  return readFileSync(new URL(path, repository), "utf8");
}

/** Blanks, line breaks, comments and cases that change nothing that a Lightfile says. */
const untidy = fc.record({
  blank: fc.constantFrom(" ", "  ", "\t", " \\\n  ", " \\\n# note\n    "),
  lines: fc.constantFrom("\n", "\n\n\n", "\n  # note  \n", "  \n"),
  lowerCase: fc.boolean(),
});

describe("examples", () => {
  test.each(examples)("%s is laid out already", (path) => {
    expect(format(read(path)).text).toBe(read(path));
  });

  test("keep their keys when they are made untidy and formatted", async () => {
    const text =
      'FROM debian:12 AS a\nENV A=1 B="x y"\nWORKDIR /srv\nRUN make  all\nCOPY . /srv/\nSNAPSHOT a\n';
    const keys = await keysOf(text);
    await fc.assert(
      fc.asyncProperty(untidy, async ({ blank, lines, lowerCase }) => {
        const changed = text
          .replaceAll(/^([A-Z]+) /gm, (_, word: string) => `${lowerCase ? word.toLowerCase() : word}${blank}`)
          .replaceAll("\n", lines);
        const { text: formatted } = format(changed);
        expect(await keysOf(formatted)).toEqual(keys);
        expect(await keysOf(changed)).toEqual(keys);
      }),
      { numRuns: 60 },
    );
  });

  test("made untidy in any way, and then changed line by line as layout says, are what layout makes of them", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...examples),
        untidy,
        fc.func(fc.boolean()),
        (path, { blank, lines }, isHere) => {
          const changed = read(path)
            .replaceAll(/^([A-Z]+) /gm, (word, name: string) => (isHere(word) ? `${name}${blank}` : word))
            .replaceAll("\n", (end) => (isHere(end) ? lines : end));
          const { text, diagnostics } = format(changed);
          fc.pre(!hasErrors(diagnostics));
          const patched = [...linesOf(changed)];
          for (const { at, before, after } of layoutChanges(changed, text).toReversed()) {
            expect(patched.slice(at, at + before.length)).toEqual(before);
            patched.splice(at, before.length, ...after);
          }
          expect(patched.join("")).toBe(text);
        },
      ),
      { numRuns: 60 },
    );
  });

  /** With more blanks behind each instruction's name. */
  function loosened(text: string): string {
    const keywords = parseText(text).tree.instructions.map(({ keyword }) => keyword.range.end);
    return keywords.reduceRight((loose, end) => `${loose.slice(0, end)}   ${loose.slice(end)}`, text);
  }

  // Mixins alone, and files that name others, cannot be planned by themselves.
  const planned = examples.filter((path) => planText(read(path)).plan !== null);

  test.each(planned)("%s keeps its keys", async (path) => {
    // What COPY and mounts find; which files those are is not the layout's.
    const sources = [{ written: "x", kind: "file" as const, name: "x", entries: [] }];
    const keys = await keysOf(read(path), { sources });
    const text = loosened(read(path));
    expect(await keysOf(text, { sources })).toEqual(keys);
    expect(await keysOf(format(text).text, { sources })).toEqual(keys);
  });

  test.each(examples)("%s is laid out again after blanks were added", (path) => {
    expect(format(loosened(read(path))).text).toBe(read(path));
  });
});

describe("formatting", () => {
  test.each([
    ["an unknown instruction", "FROM  a\nRNU  b\n"],
    ["an unclosed quote", 'FROM  a\nENV A="b\n'],
    ["nothing", ""],
  ])("leaves a text with %s as it is and says why", (_, text) => {
    const { text: formatted, diagnostics } = format(text);
    expect(formatted).toBe(text);
    expect(diagnostics.some(({ severity }) => severity === "error")).toBe(true);
  });

  test("does not make an array of words that only look like one", () => {
    const text = 'FROM a\nVOLUME ["\t/data one"]\n';
    expect(meaningOf(parseText(format(text).text).tree)).toEqual(meaningOf(parseText(text).tree));
  });

  test("keeps the blanks behind a name that ends with an escape character", () => {
    const text = "FROM a\nENV b\\  C=1\n";
    expect(format(text).text).toBe(text);
  });

  test("does not join lines at an escape character that a form feed kept from it", () => {
    const text = "FROM a\nRUN b \\\f\nRUN c\n";
    expect(format(text).text).toBe(text);
  });

  test("leaves the blanks that say where an escaped blank ends a name", () => {
    expect(format("FROM a\nLABEL  \\  c=1\n").text).toBe("FROM a\nLABEL \\  c=1\n");
  });

  test("does not turn a comment into a directive", () => {
    expect(format("\n\n# escape=`\nFROM a\n").text).toBe("\n# escape=`\nFROM a\n");
    expect(format("# syntax=x\n\\\n# escape=`\nFROM a\n").text).toBe("# syntax=x\n\n# escape=`\nFROM a\n");
  });
});
