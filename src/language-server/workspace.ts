import { fileURLToPath, pathToFileURL } from "node:url";
import { TextDocument } from "vscode-languageserver-textdocument";
import { parseLightfile } from "../lightfile/parse.ts";
import { type Finding, lint } from "../lint/lint.ts";
import { findLightfiles, readTextFile, resolveLightfile } from "./disk.ts";
import type { KnownFile, Neighbours } from "./places.ts";
import { isRelativePath } from "./references-to-files.ts";
import { symbolsOf } from "./symbols.ts";

/** A parsed Lightfile with the text that its offsets are in. */
export interface ParsedFile extends KnownFile {
  readonly document: TextDocument;
  /** Null for a document that is not on the disk. */
  readonly path: string | null;
}

interface OpenDocuments {
  get(uri: string): TextDocument | undefined;
  all(): readonly TextDocument[];
}

interface Cached {
  readonly stamp: string;
  readonly file: ParsedFile;
  findings: readonly Finding[] | null;
}

/** The Lightfiles that the editor has open, and those on the disk that they name. Each version is parsed once. */
export class Workspace implements Neighbours {
  /** Paths of the folders that the editor shows. */
  folders: readonly string[] = [];
  readonly #open: OpenDocuments;
  readonly #cache = new Map<string, Cached>();

  constructor(open: OpenDocuments) {
    this.#open = open;
  }

  /** The file as the editor has it, else as the disk has it; undefined when neither has it. */
  file(uri: string): ParsedFile | undefined {
    return this.#cached(uri)?.file;
  }

  /** Everything that is wrong with a file, by the parser and by lint. */
  findings(uri: string): readonly Finding[] {
    const cached = this.#cached(uri);
    if (cached === undefined) return [];
    cached.findings ??= lint(cached.file.table.tree.source);
    return cached.findings;
  }

  forget(uri: string): void {
    this.#cache.delete(uri);
  }

  find = (from: KnownFile, reference: string): ParsedFile | undefined => {
    const path = pathOf(from.uri);
    if (path === null || !isRelativePath(reference)) return undefined;
    return this.file(pathToFileURL(resolveLightfile(path, reference)).href);
  };

  all = (): readonly ParsedFile[] => {
    const uris = new Set([
      ...this.#open.all().map((document) => document.uri),
      ...this.folders.flatMap(findLightfiles).map((path) => pathToFileURL(path).href),
    ]);
    return [...uris].flatMap((uri) => this.file(uri) ?? []);
  };

  #cached(uri: string): Cached | undefined {
    const open = this.#open.get(uri);
    const path = pathOf(uri);
    const onDisk = open === undefined && path !== null ? readTextFile(path) : undefined;
    const stamp = open === undefined ? onDisk?.stamp : `open ${open.version}`;
    if (stamp === undefined) return undefined;
    const known = this.#cache.get(uri);
    if (known?.stamp === stamp) return known;
    const document = open ?? TextDocument.create(uri, "lightfile", 0, onDisk?.text ?? "");
    const { value: tree } = parseLightfile({ path: path ?? uri, text: document.getText() });
    const made = { stamp, file: { uri, document, path, table: symbolsOf(tree) }, findings: null };
    this.#cache.set(uri, made);
    return made;
  }
}

function pathOf(uri: string): string | null {
  if (!uri.startsWith("file:")) return null;
  try {
    return fileURLToPath(uri);
  } catch (error) {
    // ERR_INVALID_FILE_URL_HOST, ERR_INVALID_FILE_URL_PATH: not a file of this computer.
    if (error instanceof TypeError) return null;
    throw error;
  }
}
