import { dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  type CancellationToken,
  CodeActionKind,
  type Connection,
  DidChangeWatchedFilesNotification,
  FoldingRangeKind,
  type InitializeParams,
  type InitializeResult,
  LSPErrorCodes,
  MarkupKind,
  type Position,
  ResponseError,
  TextDocumentSyncKind,
  TextDocuments,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { format } from "../lightfile/format/format.ts";
import { codeActionsFor } from "./code-actions.ts";
import { complete } from "./completion.ts";
import type { RuleSummary } from "./completion-context.ts";
import { ignoredBy, listFolder } from "./disk.ts";
import { foldsOf } from "./folding.ts";
import { highlightsOf, highlightTypes } from "./highlights.ts";
import { hoverAt } from "./hover.ts";
import { outlineOf } from "./outline.ts";
import { definitionsAt, type Place, referencesTo, subjectAt } from "./places.ts";
import { PublishedDiagnostics } from "./published-diagnostics.ts";
import type { Reference } from "./reference.ts";
import { rename, renameableAt } from "./rename.ts";
import {
  toCompletionItem,
  toDiagnostic,
  toDocumentSymbol,
  toLocation,
  toRange,
  toSemanticTokens,
  toSmallestEdit,
} from "./to-protocol.ts";
import { type ParsedFile, Workspace } from "./workspace.ts";

export interface ServerOptions {
  readonly version: string;
  readonly reference: Reference;
  readonly rules: readonly RuleSummary[];
  /** LIGHTBOX_HOME, where repositories are that somebody has fetched. */
  readonly homeDirectory: string;
  /** How long nobody has to type before the diagnostics are made anew. */
  readonly quietMs: number;
}

/** Answers an editor over a connection; returns at once. The connection ends the process when the editor says so. */
export function serve(connection: Connection, options: ServerOptions): void {
  const documents = new TextDocuments(TextDocument);
  const workspace = new Workspace(documents, options.homeDirectory);
  const server = new LanguageServer(connection, workspace, options);
  server.listen(documents);
  documents.listen(connection);
  connection.listen();
}

interface AtPosition {
  readonly textDocument: { readonly uri: string };
  readonly position: Position;
}

class LanguageServer {
  readonly #connection: Connection;
  readonly #workspace: Workspace;
  readonly #options: ServerOptions;
  /** Timers of diagnostics to come, by document. */
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  /** Versions whose diagnostics are made, by document. */
  readonly #checked = new Map<string, number>();
  /** Checks that go on, by document. */
  readonly #checking = new Map<string, AbortController>();
  readonly #published: PublishedDiagnostics;
  #suggestAgain = "";
  #mayWatch = false;

  constructor(connection: Connection, workspace: Workspace, options: ServerOptions) {
    this.#connection = connection;
    this.#workspace = workspace;
    this.#options = options;
    this.#published = new PublishedDiagnostics((uri, diagnostics) => {
      const version = this.#checked.get(uri);
      const ofVersion = version === undefined ? {} : { version };
      void connection.sendDiagnostics({ uri, ...ofVersion, diagnostics: [...diagnostics] });
    });
  }

  listen(documents: TextDocuments<TextDocument>): void {
    const connection = this.#connection;
    connection.onInitialize((params) => this.#initialize(params));
    connection.onInitialized(() => this.#watchFiles());
    connection.onShutdown(() => {
      for (const timer of this.#waiting.values()) clearTimeout(timer);
      this.#waiting.clear();
    });
    documents.onDidOpen(({ document }) => this.#check(document.uri));
    documents.onDidChangeContent(({ document }) => {
      // An opened document counts as changed, too.
      if (this.#checked.get(document.uri) !== document.version) this.#checkLater(document.uri);
      this.#checkReaders(document.uri);
    });
    documents.onDidClose(({ document }) => this.#close(document.uri));
    connection.onDidChangeWatchedFiles(({ changes }) => {
      for (const { uri } of changes) this.#checkReaders(uri);
    });
    connection.onCompletion(answer((params) => this.#complete(params)));
    connection.onHover(answer((params) => this.#hover(params)));
    connection.onDefinition(answer((params) => this.#definitions(params)));
    connection.onReferences(answer((params) => this.#references(params, params.context.includeDeclaration)));
    connection.onDocumentHighlight(answer((params) => this.#highlightSame(params)));
    connection.onPrepareRename(answer((params) => this.#prepareRename(params)));
    connection.onRenameRequest(answer((params) => this.#rename(params, params.newName)));
    connection.onDocumentSymbol(answer(({ textDocument }) => this.#outline(textDocument.uri)));
    connection.onFoldingRanges(answer(({ textDocument }) => this.#folds(textDocument.uri)));
    connection.onDocumentFormatting(answer(({ textDocument }) => this.#format(textDocument.uri)));
    connection.onCodeAction(
      answer(async (params) => {
        const { uri } = params.textDocument;
        const findings = await this.#workspace.findings(uri);
        const file = this.#workspace.file(uri);
        return file === undefined || findings === undefined ? [] : codeActionsFor(file, findings, params);
      }),
    );
    connection.languages.semanticTokens.on(
      answer(({ textDocument }) => {
        const file = this.#workspace.file(textDocument.uri);
        return file === undefined
          ? { data: [] }
          : toSemanticTokens(file.document, highlightsOf(file.table.tree));
      }),
    );
  }

  #initialize(params: InitializeParams): InitializeResult {
    const uris = params.workspaceFolders?.map((folder) => folder.uri) ?? [params.rootUri ?? ""];
    this.#mayWatch = params.capabilities.workspace?.didChangeWatchedFiles?.dynamicRegistration === true;
    this.#workspace.folders = uris.filter((uri) => uri.startsWith("file:")).map((uri) => fileURLToPath(uri));
    const settings: unknown = params.initializationOptions;
    if (typeof settings === "object" && settings !== null && "suggestAgainCommand" in settings)
      this.#suggestAgain = String(settings.suggestAgainCommand);
    return {
      serverInfo: { name: "lightbox", version: this.#options.version },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
        completionProvider: { triggerCharacters: ["$", "{", "-", "=", ",", "/", "#", "."] },
        hoverProvider: true,
        definitionProvider: true,
        referencesProvider: true,
        documentHighlightProvider: true,
        renameProvider: { prepareProvider: true },
        documentSymbolProvider: true,
        foldingRangeProvider: true,
        documentFormattingProvider: true,
        codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.SourceFixAll] },
        semanticTokensProvider: {
          legend: { tokenTypes: [...highlightTypes], tokenModifiers: ["declaration"] },
          full: true,
        },
      },
    };
  }

  /** Lightfiles that are joined and not open change on the disk. */
  #watchFiles(): void {
    if (!this.#mayWatch) return;
    const watchers = [{ globPattern: "**/*{Lightfile,lightfile,Dockerfile,dockerfile}*" }];
    void this.#connection.client.register(DidChangeWatchedFilesNotification.type, { watchers });
  }

  /** Text that is newer puts the diagnostics off: those of the older one are never made. */
  #checkLater(uri: string): void {
    clearTimeout(this.#waiting.get(uri));
    const timer = setTimeout(() => this.#check(uri), this.#options.quietMs);
    this.#waiting.set(uri, timer);
  }

  /** What is open and joins this file may be right or wrong for another reason now. */
  #checkReaders(uri: string): void {
    for (const reader of this.#workspace.readersOf(uri)) this.#checkLater(reader);
  }

  #check(uri: string): void {
    clearTimeout(this.#waiting.get(uri));
    this.#waiting.delete(uri);
    this.#checking.get(uri)?.abort();
    const file = this.#workspace.file(uri);
    if (file === undefined) return;
    this.#checked.set(uri, file.document.version);
    const checking = new AbortController();
    this.#checking.set(uri, checking);
    this.#makeDiagnostics(file, checking.signal).catch((error: unknown) => {
      if (!checking.signal.aborted) this.#connection.console.error(String(error));
    });
  }

  async #makeDiagnostics({ uri, document }: ParsedFile, signal: AbortSignal): Promise<void> {
    const { version } = document;
    const found = await this.#workspace.check(uri, signal);
    if (found === undefined || signal.aborted) return;
    const text = this.#workspace.file(uri)?.document;
    // What is newer has its own check to come.
    if (text === undefined || text.version !== version) return;
    this.#published.say(uri, [
      ...found.own.map((finding) => ({ uri, diagnostic: toDiagnostic(finding, found.uriOf, text) })),
      ...found.elsewhere.flatMap((one) => {
        const at = found.uriOf(one.source);
        return at === undefined ? [] : [{ uri: at, diagnostic: toDiagnostic(one, found.uriOf) }];
      }),
    ]);
  }

  #close(uri: string): void {
    clearTimeout(this.#waiting.get(uri));
    this.#waiting.delete(uri);
    this.#checking.get(uri)?.abort();
    this.#checking.delete(uri);
    this.#checked.delete(uri);
    this.#workspace.forget(uri);
    this.#published.say(uri, []);
    this.#checkReaders(uri);
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

  async #complete(params: AtPosition) {
    const at = this.#at(params);
    if (at === undefined) return [];
    const { file, offset } = at;
    const folder = file.path === null ? null : dirname(file.path);
    const isIgnored = file.path === null ? () => false : await ignoredBy(file.path);
    const list = (path: string) => (folder === null ? [] : listFolder(join(folder, path)));
    const suggestions = complete(file.table, offset, {
      reference: this.#options.reference,
      rules: this.#options.rules,
      otherFile: (reference) => this.#workspace.find(file, reference)?.table,
      folder: list,
      contextFolder: (path) =>
        folder === null ? [] : list(path).filter(({ name }) => !isIgnored(join(folder, path, name))),
    });
    return suggestions.map((suggestion, position) =>
      toCompletionItem(file.document, suggestion, { position, again: this.#suggestAgain }),
    );
  }

  #hover(params: AtPosition) {
    const at = this.#at(params);
    const { reference } = this.#options;
    const hover = at && hoverAt(at.file, at.offset, { reference, neighbours: this.#workspace });
    if (at === undefined || hover === undefined) return null;
    return {
      range: toRange(at.file.document, hover.range),
      contents: { kind: MarkupKind.Markdown, value: hover.text },
    };
  }

  #definitions(params: AtPosition) {
    const at = this.#at(params);
    return at === undefined ? [] : this.#locations(definitionsAt(at.file, at.offset, this.#workspace));
  }

  #references(params: AtPosition, withDefinitions: boolean) {
    const at = this.#at(params);
    const subject = at && subjectAt(at.file, at.offset, this.#workspace);
    if (subject === undefined) return [];
    return this.#locations(referencesTo(subject, { withDefinitions, neighbours: this.#workspace }));
  }

  #highlightSame(params: AtPosition) {
    const { uri } = params.textDocument;
    return this.#references(params, true)
      .filter((location) => location.uri === uri)
      .map(({ range }) => ({ range }));
  }

  #prepareRename(params: AtPosition) {
    const at = this.#at(params);
    const found = at && renameableAt(at.file, at.offset, this.#workspace);
    if (at === undefined || found === undefined) return null;
    return { range: toRange(at.file.document, found.range), placeholder: found.name };
  }

  #rename(params: AtPosition, newName: string) {
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

  #outline(uri: string) {
    const file = this.#workspace.file(uri);
    if (file === undefined) return [];
    return outlineOf(file.table.tree).map((entry) => toDocumentSymbol(file.document, entry));
  }

  #folds(uri: string) {
    const file = this.#workspace.file(uri);
    if (file === undefined) return [];
    return foldsOf(file.table.tree).map(({ firstLine, lastLine, kind }) => ({
      startLine: firstLine - 1,
      endLine: lastLine - 1,
      kind: kind === "comment" ? FoldingRangeKind.Comment : FoldingRangeKind.Region,
    }));
  }

  #format(uri: string) {
    const file = this.#workspace.file(uri);
    return file === undefined ? [] : [...toSmallestEdit(file.document, format(file.table.tree.source).text)];
  }
}

/** Lets a cancellation that came right behind the question arrive before the work is done. */
function answer<Params, Result>(
  work: (params: Params) => Result | Promise<Result>,
): (params: Params, token: CancellationToken) => Promise<Result | ResponseError<void>> {
  return async (params, token) => {
    await nextTurn();
    if (token.isCancellationRequested)
      return new ResponseError<void>(LSPErrorCodes.RequestCancelled, "cancelled");
    return await work(params);
  };
}
