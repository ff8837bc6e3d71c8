import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  type CancellationToken,
  CodeActionKind,
  type Connection,
  DidChangeWatchedFilesNotification,
  type InitializeParams,
  type InitializeResult,
  LSPErrorCodes,
  ResponseError,
  TextDocumentSyncKind,
  TextDocuments,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { Answers } from "./answers.ts";
import type { RuleSummary } from "./completion-context.ts";
import { DocumentChecks } from "./document-checks.ts";
import { highlightTypes } from "./highlights.ts";
import type { Reference } from "./reference.ts";
import { Workspace } from "./workspace.ts";

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

class LanguageServer {
  readonly #connection: Connection;
  readonly #workspace: Workspace;
  readonly #options: ServerOptions;
  readonly #checks: DocumentChecks;
  readonly #answers: Answers;
  #suggestAgain = "";
  #mayWatch = false;

  constructor(connection: Connection, workspace: Workspace, options: ServerOptions) {
    this.#connection = connection;
    this.#workspace = workspace;
    this.#options = options;
    this.#checks = new DocumentChecks({
      workspace,
      quietMs: options.quietMs,
      show: (shown) => void connection.sendDiagnostics(shown),
      onTrouble: (error) => connection.console.error(String(error)),
    });
    this.#answers = new Answers(workspace, options);
  }

  listen(documents: TextDocuments<TextDocument>): void {
    const connection = this.#connection;
    connection.onInitialize((params) => this.#initialize(params));
    connection.onInitialized(() => this.#watchFiles());
    connection.onShutdown(() => this.#checks.stop());
    documents.onDidOpen(({ document }) => this.#checks.check(document.uri));
    documents.onDidChangeContent(({ document }) => this.#checks.change(document));
    documents.onDidClose(({ document }) => this.#checks.close(document.uri));
    connection.onDidChangeWatchedFiles(({ changes }) => {
      for (const { uri } of changes) this.#checks.checkReaders(uri);
    });
    this.#listenToQuestions();
  }

  #listenToQuestions(): void {
    const connection = this.#connection;
    const answers = this.#answers;
    connection.onCompletion(answer((params) => answers.complete(params, this.#suggestAgain)));
    connection.onHover(answer((params) => answers.hover(params)));
    connection.onDefinition(answer((params) => answers.definitions(params)));
    connection.onReferences(
      answer((params) => answers.references(params, params.context.includeDeclaration)),
    );
    connection.onDocumentHighlight(answer((params) => answers.highlightSame(params)));
    connection.onPrepareRename(answer((params) => answers.prepareRename(params)));
    connection.onRenameRequest(answer((params) => answers.rename(params, params.newName)));
    connection.onDocumentSymbol(answer(({ textDocument }) => answers.outline(textDocument.uri)));
    connection.onFoldingRanges(answer(({ textDocument }) => answers.folds(textDocument.uri)));
    connection.onDocumentFormatting(answer(({ textDocument }) => answers.format(textDocument.uri)));
    connection.onCodeAction(answer((params) => answers.codeActions(params)));
    connection.languages.semanticTokens.on(
      answer(({ textDocument }) => answers.highlights(textDocument.uri)),
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
