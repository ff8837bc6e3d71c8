import {
  type CompletionItem,
  CompletionItemKind,
  type Diagnostic,
  DiagnosticSeverity,
  type DocumentSymbol,
  type Location,
  MarkupKind,
  type Range as ProtocolRange,
  type SemanticTokens,
  SemanticTokensBuilder,
  SymbolKind,
  type TextEdit,
} from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Diagnostic as Statement } from "../diagnostics/diagnostic.ts";
import type { TextEdit as Edit } from "../diagnostics/fix.ts";
import { positionAt, type Range, type SourceFile } from "../diagnostics/source-file.ts";
import type { Highlight } from "./highlights.ts";
import { highlightTypes } from "./highlights.ts";
import type { OutlineEntry } from "./outline.ts";
import type { Suggestion, SuggestionKind } from "./suggestion.ts";
import type { ParsedFile } from "./workspace.ts";

/** Turns what the features say, in offsets, into the protocol's lines and characters. */

export function toRange(document: TextDocument, range: Range): ProtocolRange {
  return { start: document.positionAt(range.start), end: document.positionAt(range.end) };
}

export function toLocation(file: ParsedFile, range: Range): Location {
  return { uri: file.uri, range: toRange(file.document, range) };
}

export function toEdit(document: TextDocument, edit: Edit): TextEdit {
  return { range: toRange(document, edit.range), newText: edit.newText };
}

/** The one edit that makes the new text of the old: what is equal at both ends is left alone. */
export function toSmallestEdit(document: TextDocument, newText: string): readonly TextEdit[] {
  const oldText = document.getText();
  if (oldText === newText) return [];
  const shorter = Math.min(oldText.length, newText.length);
  let start = 0;
  while (start < shorter && oldText[start] === newText[start]) start++;
  let same = 0;
  while (same < shorter - start && oldText.at(-1 - same) === newText.at(-1 - same)) same++;
  const range = { start, end: oldText.length - same };
  return [toEdit(document, { range, newText: newText.slice(start, newText.length - same) })];
}

/** Says where a text is; undefined for one that is in no file. */
export type UriOf = (source: SourceFile) => string | undefined;

/** `document` is that of the statement's text, where it is at hand. */
export function toDiagnostic(statement: Statement, uriOf: UriOf, document?: TextDocument): Diagnostic {
  const { code, message, hint } = statement;
  const related = (statement.related ?? []).flatMap(({ source, range, message: text }) => {
    const uri = uriOf(source);
    return uri === undefined ? [] : [{ message: text, location: { uri, range: rangeIn(source, range) } }];
  });
  return {
    code,
    source: "lightbox",
    severity: statement.severity === "error" ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
    message: hint === undefined ? message : `${message}\n${hint}`,
    range:
      document === undefined
        ? rangeIn(statement.source, statement.range)
        : toRange(document, statement.range),
    ...(related.length === 0 ? {} : { relatedInformation: related }),
  };
}

/** In a text that is known, though no document of it. */
function rangeIn(source: SourceFile, { start, end }: Range): ProtocolRange {
  const zeroBased = (offset: number) => {
    const { line, column } = positionAt(source, offset);
    return { line: line - 1, character: column - 1 };
  };
  return { start: zeroBased(start), end: zeroBased(end) };
}

const itemKinds: Readonly<Record<SuggestionKind, CompletionItemKind>> = {
  instruction: CompletionItemKind.Keyword,
  flag: CompletionItemKind.Property,
  value: CompletionItemKind.Value,
  stage: CompletionItemKind.Class,
  variable: CompletionItemKind.Variable,
  mixin: CompletionItemKind.Function,
  parameter: CompletionItemKind.Field,
  import: CompletionItemKind.Module,
  file: CompletionItemKind.File,
  folder: CompletionItemKind.Folder,
  rule: CompletionItemKind.EnumMember,
};

/** `again` is the editor's command that asks for suggestions once more; empty when it has none. */
export function toCompletionItem(
  document: TextDocument,
  suggestion: Suggestion,
  { position, again }: { readonly position: number; readonly again: string },
): CompletionItem {
  const { label, kind, newText, range, detail, documentation } = suggestion;
  return {
    label,
    kind: itemKinds[kind],
    sortText: String(position).padStart(5, "0"),
    textEdit: { range: toRange(document, range), newText },
    ...(detail === undefined ? {} : { detail }),
    ...(documentation === undefined
      ? {}
      : { documentation: { kind: MarkupKind.Markdown, value: documentation } }),
    ...(suggestion.continues === true && again !== ""
      ? { command: { title: "Show suggestions", command: again } }
      : {}),
  };
}

const symbolKinds: Readonly<Record<OutlineEntry["kind"], SymbolKind>> = {
  stage: SymbolKind.Class,
  mixin: SymbolKind.Function,
  import: SymbolKind.Module,
  variable: SymbolKind.Variable,
  test: SymbolKind.Event,
  step: SymbolKind.Method,
  setting: SymbolKind.Property,
};

export function toDocumentSymbol(document: TextDocument, entry: OutlineEntry): DocumentSymbol {
  return {
    name: entry.name,
    detail: entry.detail,
    kind: symbolKinds[entry.kind],
    range: toRange(document, entry.range),
    selectionRange: toRange(document, entry.nameRange),
    children: entry.children.map((child) => toDocumentSymbol(document, child)),
  };
}

/** Editors want pieces that stay within a line. */
export function toSemanticTokens(document: TextDocument, highlights: readonly Highlight[]): SemanticTokens {
  const builder = new SemanticTokensBuilder();
  for (const { range, type, isDeclaration } of highlights) {
    const { start, end } = toRange(document, range);
    for (let line = start.line; line <= end.line; line++) {
      const from = line === start.line ? start.character : 0;
      const lineRange = { start: { line, character: 0 }, end: { line: line + 1, character: 0 } };
      const length = document.getText(lineRange).replace(/\r?\n$/, "").length;
      const to = line === end.line ? end.character : length;
      if (to > from) builder.push(line, from, to - from, highlightTypes.indexOf(type), isDeclaration ? 1 : 0);
    }
  }
  return builder.build();
}
