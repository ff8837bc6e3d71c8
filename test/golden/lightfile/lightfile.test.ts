import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../../src/diagnostics/diagnostic.ts";
import { lineText, positionAt, type Range, type SourceFile } from "../../../src/diagnostics/source-file.ts";
import { documentOf } from "../../../src/lightfile/document.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { instructionNames } from "../../../src/lightfile/reserved.ts";

/**
 * Each folder is a case: a Lightfile, and what the parser makes of it in tree.txt, diagnostics.txt and document.json
 * (what `lightbox parse` prints). `vitest run test/golden --update` writes them anew; look at what changed.
 */
const folder = new URL(".", import.meta.url);
const cases = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

describe.each(cases)("%s", (name) => {
  const place = (file: string): string => new URL(`${name}/${file}`, folder).pathname;
  const source: SourceFile = { path: "Lightfile", text: readFileSync(place("Lightfile"), "utf8") };
  const { value, diagnostics } = parseLightfile(source);

  test("has the tree of tree.txt", async () => {
    const parts = [...value.directives, ...value.comments, ...value.instructions].toSorted(
      (a, b) => a.range.start - b.range.start,
    );
    await expect(parts.map((part) => dump(part, source)).join("\n")).toMatchFileSnapshot(place("tree.txt"));
  });

  test("has the diagnostics of diagnostics.txt", async () => {
    await expect(diagnostics.map(describeDiagnostic).join("\n")).toMatchFileSnapshot(place("diagnostics.txt"));
  });

  test("is printed as document.json", async () => {
    const text = `${JSON.stringify(documentOf({ value, diagnostics }), null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(place("document.json"));
  });
});

describe("the cases together", () => {
  const textsOf = (file: string): string =>
    cases.map((name) => readFileSync(new URL(`${name}/${file}`, folder), "utf8")).join("\n");

  test("hold every instruction", () => {
    const trees = textsOf("tree.txt");
    expect(instructionNames.filter((name) => !trees.includes(`keyword: "${name}"`))).toEqual([]);
  });

  test("hold every diagnostic of the parser", () => {
    const found = new Set([...textsOf("diagnostics.txt").matchAll(/ (?:error|warning) (\w+): /g)].map(([, code]) => code));
    const codes = parserSources().flatMap((text) => [...text.matchAll(/code: "([A-Z]\w+)"/g)].map(([, code]) => code));
    expect(codes.length).toBeGreaterThan(20);
    // A line that is too long would make a golden too long; parse-mistakes.test.ts has it.
    expect(codes.filter((code) => !found.has(code) && code !== "LineTooLong")).toEqual([]);
  });
});

/** The files of the parser, without those that read words and patterns later. */
function parserSources(): readonly string[] {
  const sources = new URL("../../../src/lightfile/", import.meta.url);
  return readdirSync(sources)
    .filter((name) => name.endsWith(".ts") && name !== "ignore-pattern.ts")
    .map((name) => readFileSync(new URL(name, sources), "utf8"));
}

/** One line for each property; ranges as positions, so that a wrong one shows. */
function dump(part: object, source: SourceFile): string {
  return `${lines(part, source, "").join("\n")}\n`;
}

function lines(value: unknown, source: SourceFile, indent: string): readonly string[] {
  if (typeof value !== "object" || value === null) return [`${indent}${JSON.stringify(value)}`];
  return Object.entries(value).flatMap(([key, part]) => {
    const prefix = `${indent}${key}:`;
    if (isRange(part)) return [`${prefix} ${span(part, source)}`];
    if (isWord(part)) return [`${prefix} ${JSON.stringify(part.text)} ${span(part.range, source)}`];
    if (Array.isArray(part) && part.length === 0) return [];
    if (typeof part === "object" && part !== null) return [prefix, ...lines(part, source, `${indent}  `)];
    return [`${prefix} ${JSON.stringify(part)}`];
  });
}

function isRange(value: unknown): value is Range {
  return typeof value === "object" && value !== null && "start" in value && "end" in value;
}

function isWord(value: unknown): value is { readonly text: string; readonly range: Range } {
  if (typeof value !== "object" || value === null || !("text" in value) || !("range" in value)) return false;
  return typeof value.text === "string" && isRange(value.range);
}

function span(range: Range, source: SourceFile): string {
  const start = positionAt(source, range.start);
  const end = positionAt(source, range.end);
  return `@${start.line}:${start.column}-${end.line}:${end.column}`;
}

function describeDiagnostic({ code, severity, message, range, hint, related, source }: Diagnostic): string {
  const { line, column } = positionAt(source, range.start);
  const written = lineText(source, line);
  const length = Math.max(1, Math.min(range.end - range.start, written.length - column + 1));
  return [
    `${line}:${column} ${severity} ${code}: ${message}`,
    `  | ${written}`,
    `  | ${" ".repeat(column - 1)}${"^".repeat(length)}`,
    ...(hint === undefined ? [] : [`  hint: ${hint}`]),
    ...(related ?? []).map((other) => `  ${positionAt(source, other.range.start).line}: ${other.message}`),
    "",
  ].join("\n");
}
