import type { Diagnostic } from "vscode-languageserver/node";

export interface Said {
  /** The file that it is about. */
  readonly uri: string;
  readonly diagnostic: Diagnostic;
}

type Send = (uri: string, diagnostics: readonly Diagnostic[]) => void;

/** What is shown of each file: what its own check says of it, and the checks of those that name it. */
export class PublishedDiagnostics {
  readonly #send: Send;
  /** By the document that was checked. */
  readonly #said = new Map<string, readonly Said[]>();

  constructor(send: Send) {
    this.#send = send;
  }

  /** Puts what the check of a document says now in the place of what it said before, and shows it. */
  say(document: string, said: readonly Said[]): void {
    const before = this.#said.get(document) ?? [];
    if (said.length === 0) this.#said.delete(document);
    else this.#said.set(document, said);
    const concerned = new Set([document, ...before.map(({ uri }) => uri), ...said.map(({ uri }) => uri)]);
    for (const uri of concerned) this.#send(uri, this.#diagnosticsOf(uri));
  }

  /** Its own check comes first, and tells most; the same from others is left out. */
  #diagnosticsOf(uri: string): readonly Diagnostic[] {
    const own = this.#said.get(uri) ?? [];
    const others = [...this.#said].flatMap(([document, said]) => (document === uri ? [] : said));
    const shown = new Map<string, Diagnostic>();
    for (const { uri: about, diagnostic } of [...own, ...others]) {
      const key = JSON.stringify([diagnostic.code, diagnostic.message, diagnostic.range]);
      if (about === uri && !shown.has(key)) shown.set(key, diagnostic);
    }
    return [...shown.values()];
  }
}
