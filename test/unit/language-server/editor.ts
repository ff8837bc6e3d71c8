import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  type InitializeResult,
  type Position,
  type ProtocolConnection,
  PublishDiagnosticsNotification,
  type PublishDiagnosticsParams,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver-protocol/node";

const program = fileURLToPath(new URL("../../../src/cli/start.ts", import.meta.url));

/** A real client of `lightbox lsp`: it starts the command and talks over its stdin and stdout. */
export class Editor {
  readonly child: ChildProcess;
  readonly connection: ProtocolConnection;
  readonly folder: string;
  /** Exit code of the server; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly published: PublishDiagnosticsParams[] = [];
  capabilities: InitializeResult["capabilities"] = {};
  readonly #watchers = new Set<() => void>();

  private constructor(folder: string) {
    this.folder = folder;
    const child = spawn(process.execPath, [program, "lsp", "--stdio"], {
      cwd: folder,
      env: { ...process.env, LIGHTBOX_HOME: `${folder}/home` },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.child = child;
    this.ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
    this.connection = createProtocolConnection(
      new StreamMessageReader(child.stdout),
      new StreamMessageWriter(child.stdin),
    );
    this.connection.onNotification(PublishDiagnosticsNotification.type, (params) => {
      this.published.push(params);
      for (const watcher of this.#watchers) watcher();
    });
    this.connection.listen();
  }

  static async start(folder: string): Promise<Editor> {
    const editor = new Editor(folder);
    const uri = pathToFileURL(folder).href;
    const result = await editor.connection.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      rootUri: uri,
      workspaceFolders: [{ uri, name: "test" }],
      capabilities: {},
      initializationOptions: { suggestAgainCommand: "editor.action.triggerSuggest" },
    });
    editor.capabilities = result.capabilities;
    await editor.connection.sendNotification(InitializedNotification.type, {});
    return editor;
  }

  /** The diagnostics of a file that count now: the last that were published. */
  shown(name: string): PublishDiagnosticsParams["diagnostics"] {
    return this.published.findLast(({ uri }) => uri === this.uri(name))?.diagnostics ?? [];
  }

  /** Resolves as soon as what is shown of a file is as the test wants it. */
  async showing(
    name: string,
    accepts: (diagnostics: PublishDiagnosticsParams["diagnostics"]) => boolean,
  ): Promise<void> {
    await this.diagnostics(name, () => accepts(this.shown(name)));
  }

  uri(name: string): string {
    return pathToFileURL(`${this.folder}/${name}`).href;
  }

  async open(name: string, text: string): Promise<void> {
    await this.connection.sendNotification(DidOpenTextDocumentNotification.type, {
      textDocument: { uri: this.uri(name), languageId: "lightfile", version: 1, text },
    });
  }

  /** Replaces the whole text. */
  async change(name: string, version: number, text: string): Promise<void> {
    await this.connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri: this.uri(name), version },
      contentChanges: [{ text }],
    });
  }

  /** Writes one character after the other at the end of a one-line text, as a person does. */
  async type(
    name: string,
    from: { readonly version: number; readonly at: Position },
    text: string,
  ): Promise<void> {
    let { line, character } = from.at;
    for (const [index, char] of [...text].entries()) {
      const position = { line, character };
      await this.connection.sendNotification(DidChangeTextDocumentNotification.type, {
        textDocument: { uri: this.uri(name), version: from.version + 1 + index },
        contentChanges: [{ range: { start: position, end: position }, text: char }],
      });
      [line, character] = char === "\n" ? [line + 1, 0] : [line, character + 1];
    }
  }

  async close(name: string): Promise<void> {
    await this.connection.sendNotification(DidCloseTextDocumentNotification.type, {
      textDocument: { uri: this.uri(name) },
    });
  }

  /** The first diagnostics, published or to come, that the test accepts. */
  async diagnostics(
    name: string,
    accepts: (params: PublishDiagnosticsParams) => boolean,
  ): Promise<PublishDiagnosticsParams> {
    const uri = this.uri(name);
    return await new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.published.find((params) => params.uri === uri && accepts(params));
        if (found === undefined) return;
        this.#watchers.delete(look);
        resolve(found);
      };
      this.#watchers.add(look);
      look();
      void this.ended.then((code) => reject(new Error(`the server ended with ${code}`)));
    });
  }

  /** As the protocol wants it: shutdown, then exit. */
  async quit(): Promise<number | null> {
    await this.connection.sendRequest(ShutdownRequest.type);
    await this.connection.sendNotification(ExitNotification.type);
    const code = await this.ended;
    this.connection.dispose();
    return code;
  }

  /** Ends what a failed test has left. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill("SIGKILL");
      await this.ended;
    }
  }
}
