import type { Diagnostic } from "vscode-languageserver/node";
import { PublishedDiagnostics } from "./published-diagnostics.ts";
import { toDiagnostic } from "./to-protocol.ts";
import type { ParsedFile, Workspace } from "./workspace.ts";

/** The diagnostics to show of a document now. */
interface Shown {
  readonly uri: string;
  readonly diagnostics: Diagnostic[];
  /** Of the text that was checked; absent for a file that is not open. */
  readonly version?: number;
}

export interface DocumentChecksOptions {
  readonly workspace: Workspace;
  /** How long nobody has to type before the diagnostics are made anew. */
  readonly quietMs: number;
  readonly show: (shown: Shown) => void;
  /** A check that broke off. */
  readonly onTrouble: (error: unknown) => void;
}

/** Checks documents as they change, and shows what is wrong with their newest text. */
export class DocumentChecks {
  readonly #workspace: Workspace;
  readonly #quietMs: number;
  readonly #onTrouble: (error: unknown) => void;
  /** Timers of diagnostics to come, by document. */
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  /** Versions whose diagnostics are made, by document. */
  readonly #checked = new Map<string, number>();
  /** Checks that go on, by document. */
  readonly #checking = new Map<string, AbortController>();
  readonly #published: PublishedDiagnostics;

  constructor({ workspace, quietMs, show, onTrouble }: DocumentChecksOptions) {
    this.#workspace = workspace;
    this.#quietMs = quietMs;
    this.#onTrouble = onTrouble;
    this.#published = new PublishedDiagnostics((uri, diagnostics) => {
      const version = this.#checked.get(uri);
      const ofVersion = version === undefined ? {} : { version };
      show({ uri, ...ofVersion, diagnostics: [...diagnostics] });
    });
  }

  /** The document has another text, which its readers see, too. */
  change({ uri, version }: { readonly uri: string; readonly version: number }): void {
    // An opened document counts as changed, too.
    if (this.#checked.get(uri) !== version) this.#checkLater(uri);
    this.checkReaders(uri);
  }

  /** No check that waits is begun any more. */
  stop(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  /** Text that is newer puts the diagnostics off: those of the older one are never made. */
  #checkLater(uri: string): void {
    clearTimeout(this.#waiting.get(uri));
    const timer = setTimeout(() => this.check(uri), this.#quietMs);
    this.#waiting.set(uri, timer);
  }

  /** What is open and joins this file may be right or wrong for another reason now. */
  checkReaders(uri: string): void {
    for (const reader of this.#workspace.readersOf(uri)) this.#checkLater(reader);
  }

  check(uri: string): void {
    clearTimeout(this.#waiting.get(uri));
    this.#waiting.delete(uri);
    this.#checking.get(uri)?.abort();
    const file = this.#workspace.file(uri);
    if (file === undefined) return;
    this.#checked.set(uri, file.document.version);
    const checking = new AbortController();
    this.#checking.set(uri, checking);
    this.#makeDiagnostics(file, checking.signal).catch((error: unknown) => {
      if (!checking.signal.aborted) this.#onTrouble(error);
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

  /** Nobody has the document open any more. */
  close(uri: string): void {
    clearTimeout(this.#waiting.get(uri));
    this.#waiting.delete(uri);
    this.#checking.get(uri)?.abort();
    this.#checking.delete(uri);
    this.#checked.delete(uri);
    this.#workspace.forget(uri);
    this.#published.say(uri, []);
    this.checkReaders(uri);
  }
}
