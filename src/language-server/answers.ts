import { dirname, join } from "node:path";
import {
  type CodeActionParams,
  FoldingRangeKind,
  LSPErrorCodes,
  MarkupKind,
  type Position,
  ResponseError,
} from "vscode-languageserver/node";
import { format } from "../lightfile/format/format.ts";
import { codeActionsFor } from "./code-actions.ts";
import { complete } from "./completion.ts";
import type { RuleSummary } from "./completion-context.ts";
import { ignoredBy, listFolder } from "./disk.ts";
import { foldsOf } from "./folding.ts";
import { highlightsOf } from "./highlights.ts";
import { hoverAt } from "./hover.ts";
import { outlineOf } from "./outline.ts";
import { definitionsAt, type Place, referencesTo, subjectAt } from "./places.ts";
import type { Reference } from "./reference.ts";
import { rename, renameableAt } from "./rename.ts";
import {
  toCompletionItem,
  toDocumentSymbol,
  toLocation,
  toRange,
  toSemanticTokens,
  toSmallestEdit,
} from "./to-protocol.ts";
import type { ParsedFile, Workspace } from "./workspace.ts";

interface AtPosition {
  readonly textDocument: { readonly uri: string };
  readonly position: Position;
}

/** What the server answers to an editor's questions about a document, in the protocol's terms. */
export class Answers {
  readonly #workspace: Workspace;
  readonly #reference: Reference;
  readonly #rules: readonly RuleSummary[];

  constructor(
    workspace: Workspace,
    { reference, rules }: { readonly reference: Reference; readonly rules: readonly RuleSummary[] },
  ) {
    this.#workspace = workspace;
    this.#reference = reference;
    this.#rules = rules;
  }

  #at(params: AtPosition): { readonly file: ParsedFile; readonly offset: number } | undefined {
    const file = this.#workspace.file(params.textDocument.uri);
    return file && { file, offset: file.document.offsetAt(params.position) };
  }

  #locations(places: readonly Place[]) {
    return places.flatMap(({ file, range }) => {
      const known = this.#workspace.file(file.uri);
      return known === undefined ? [] : [toLocation(known, range)];
    });
  }

  /** @param again the editor's command that asks for suggestions once more; empty: it has none */
  async complete(params: AtPosition, again: string) {
    const at = this.#at(params);
    if (at === undefined) return [];
    const { file, offset } = at;
    const folder = file.path === null ? null : dirname(file.path);
    const isIgnored = file.path === null ? () => false : await ignoredBy(file.path);
    const list = (path: string) => (folder === null ? [] : listFolder(join(folder, path)));
    const suggestions = complete(file.table, offset, {
      reference: this.#reference,
      rules: this.#rules,
      otherFile: (reference) => this.#workspace.find(file, reference)?.table,
      folder: list,
      contextFolder: (path) =>
        folder === null ? [] : list(path).filter(({ name }) => !isIgnored(join(folder, path, name))),
    });
    return suggestions.map((suggestion, position) =>
      toCompletionItem(file.document, suggestion, { position, again }),
    );
  }

  hover(params: AtPosition) {
    const at = this.#at(params);
    const reference = this.#reference;
    const hover = at && hoverAt(at.file, at.offset, { reference, neighbours: this.#workspace });
    if (at === undefined || hover === undefined) return null;
    return {
      range: toRange(at.file.document, hover.range),
      contents: { kind: MarkupKind.Markdown, value: hover.text },
    };
  }

  definitions(params: AtPosition) {
    const at = this.#at(params);
    return at === undefined ? [] : this.#locations(definitionsAt(at.file, at.offset, this.#workspace));
  }

  references(params: AtPosition, withDefinitions: boolean) {
    const at = this.#at(params);
    const subject = at && subjectAt(at.file, at.offset, this.#workspace);
    if (subject === undefined) return [];
    return this.#locations(referencesTo(subject, { withDefinitions, neighbours: this.#workspace }));
  }

  highlightSame(params: AtPosition) {
    const { uri } = params.textDocument;
    return this.references(params, true)
      .filter((location) => location.uri === uri)
      .map(({ range }) => ({ range }));
  }

  prepareRename(params: AtPosition) {
    const at = this.#at(params);
    const found = at && renameableAt(at.file, at.offset, this.#workspace);
    if (at === undefined || found === undefined) return null;
    return { range: toRange(at.file.document, found.range), placeholder: found.name };
  }

  rename(params: AtPosition, newName: string) {
    const at = this.#at(params);
    if (at === undefined) return null;
    const renaming = rename(at.file, at.offset, newName, this.#workspace);
    if (renaming.kind === "refused")
      return new ResponseError<void>(LSPErrorCodes.RequestFailed, renaming.problem);
    const changes = Map.groupBy(this.#locations(renaming.places), (location) => location.uri);
    return {
      changes: Object.fromEntries(
        [...changes].map(([uri, locations]) => [
          uri,
          locations.map(({ range }) => ({ range, newText: newName })),
        ]),
      ),
    };
  }

  outline(uri: string) {
    const file = this.#workspace.file(uri);
    if (file === undefined) return [];
    return outlineOf(file.table.tree).map((entry) => toDocumentSymbol(file.document, entry));
  }

  folds(uri: string) {
    const file = this.#workspace.file(uri);
    if (file === undefined) return [];
    return foldsOf(file.table.tree).map(({ firstLine, lastLine, kind }) => ({
      startLine: firstLine - 1,
      endLine: lastLine - 1,
      kind: kind === "comment" ? FoldingRangeKind.Comment : FoldingRangeKind.Region,
    }));
  }

  format(uri: string) {
    const file = this.#workspace.file(uri);
    return file === undefined ? [] : [...toSmallestEdit(file.document, format(file.table.tree.source).text)];
  }

  async codeActions(params: CodeActionParams) {
    const { uri } = params.textDocument;
    const findings = await this.#workspace.findings(uri);
    const file = this.#workspace.file(uri);
    return file === undefined || findings === undefined ? [] : codeActionsFor(file, findings, params);
  }

  highlights(uri: string) {
    const file = this.#workspace.file(uri);
    return file === undefined ? { data: [] } : toSemanticTokens(file.document, highlightsOf(file.table.tree));
  }
}
