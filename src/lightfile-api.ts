/** The language for other tools, as `lightbox/lightfile`: reads text, never the disk. docs/syntax-tree.md describes it. */

import type { Diagnosed } from "./diagnostics/diagnostic.ts";
import type { SourceFile } from "./diagnostics/source-file.ts";
import type { LightfileTree } from "./lightfile/ast.ts";
import { documentOf, type LightfileDocument } from "./lightfile/document.ts";
import * as expansions from "./lightfile/expand.ts";
import type { VariableLookup } from "./lightfile/expand-options.ts";
import { parseLightfile } from "./lightfile/parse.ts";

export type { Diagnosed, Diagnostic, RelatedLocation, Severity } from "./diagnostics/diagnostic.ts";
export type { Fix } from "./diagnostics/fix.ts";
export { type Position, positionAt, type Range, type SourceFile } from "./diagnostics/source-file.ts";
export type * from "./lightfile/ast.ts";
export type {
  DocumentDiagnostic,
  DocumentDirective,
  DocumentFlag,
  DocumentHeredoc,
  DocumentInstruction,
  DocumentRange,
  LightfileDocument,
} from "./lightfile/document.ts";
export { ExpansionError } from "./lightfile/expansion-error.ts";
export { type Formatted, format } from "./lightfile/format/format.ts";
export { ignoreMatcher } from "./lightfile/ignore-pattern.ts";
export { type Finding, type LintOptions, lint } from "./lint/lint.ts";

/** The values of variables; a name that is missing or undefined is not set, which differs from empty. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface WordOptions {
  /** The file's escape character; a backslash unless said otherwise. */
  readonly escape?: "\\" | "`";
}

/**
 * Reads a Lightfile. Never throws on any text: what is wrong with it is in `diagnostics`. The result is the same plain
 * data that `lightbox parse` prints.
 */
export function parse(input: string | SourceFile): LightfileDocument {
  return documentOf(parseTree(input));
}

/** As {@link parse}, with the place of every word and comment, as offsets into the text. */
export function parseTree(input: string | SourceFile): Diagnosed<LightfileTree> {
  return parseLightfile(typeof input === "string" ? { path: "Lightfile", text: input } : input);
}

/**
 * Replaces the variables of a word and removes its quotes and escapes, as BuildKit does. The result is one word, white
 * space and all.
 *
 * @throws {ExpansionError} with the place in the word: for an unclosed quote or brace, an unknown form, a bad pattern, and
 *   for `${name:?message}` when the variable is not set.
 */
export function expandWord(word: string, environment: Environment = {}, options: WordOptions = {}): string {
  return expansions.expandWord(word, lookupIn(environment), { escape: options.escape ?? "\\" });
}

/**
 * As {@link expandWord}, but cuts the line into words at white space that is neither quoted nor escaped, also at that in
 * the values of unquoted variables.
 *
 * @throws {ExpansionError} as {@link expandWord} does
 */
export function splitWords(line: string, environment: Environment = {}, options: WordOptions = {}): string[] {
  return [...expansions.splitWords(line, lookupIn(environment), { escape: options.escape ?? "\\" })];
}

function lookupIn(environment: Environment): VariableLookup {
  return (name) => (Object.hasOwn(environment, name) ? environment[name] : undefined);
}
