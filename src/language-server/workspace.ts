import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { TextDocument } from "vscode-languageserver-textdocument";
import { parseLightfile } from "../lightfile/parse.ts";
import { lint } from "../lint/lint.ts";
import { keptGitTree } from "../sources/kept-git.ts";
import { noPins, type Pins } from "../sources/pins.ts";
import { type FoundSource, readSource } from "../sources/read-source.ts";
import { findLightfiles, readTextFile, resolveLightfile } from "./disk.ts";
import { findingsWithJoined, type JoinedFindings, pinsBeside, withoutLinks } from "./joined-findings.ts";
import type { KnownFile, Neighbours } from "./places.ts";
import { symbolsOf } from "./read-symbols.ts";
import { isRelativePath, repositoryOf } from "./references-to-files.ts";

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
  /** Null: nobody has asked for them yet. */
  findings: JoinedFindings | null;
}

/** The Lightfiles that the editor has open, and those on the disk that they name. Each version is parsed once. */
export class Workspace implements Neighbours {
  /** Paths of the folders that the editor shows. */
  folders: readonly string[] = [];
  readonly #open: OpenDocuments;
  readonly #homeDirectory: string;
  readonly #cache = new Map<string, Cached>();
  /** Paths that were looked at for the findings of a document, by its URI. */
  readonly #reads = new Map<string, Set<string>>();
  /** What the lock files beside documents pin, as of their last check. */
  readonly #pins = new Map<string, Pins>();

  /** `homeDirectory` is LIGHTBOX_HOME: repositories that were fetched are below it. */
  constructor(open: OpenDocuments, homeDirectory: string) {
    this.#open = open;
    this.#homeDirectory = homeDirectory;
  }

  /** The file as the editor has it, else as the disk has it; undefined when neither has it. */
  file(uri: string): ParsedFile | undefined {
    return this.#cached(uri)?.file;
  }

  /** The findings of the last {@link check}, made now when this version of the file has none. */
  async findings(uri: string): Promise<JoinedFindings | undefined> {
    const cached = this.#cached(uri);
    return cached?.findings ?? (await this.check(uri, new AbortController().signal));
  }

  /**
   * Everything that is wrong with a file, and with those that it names as they are now; undefined when there is no such
   * file.
   * @throws the signal's reason when aborted
   */
  async check(uri: string, signal: AbortSignal): Promise<JoinedFindings | undefined> {
    const cached = this.#cached(uri);
    if (cached === undefined) return undefined;
    const { path, table } = cached.file;
    const { source } = table.tree;
    if (path === null) {
      const uriOf = (one: unknown) => (one === source ? uri : undefined);
      cached.findings ??= { own: lint(source), elsewhere: [], uriOf };
      return cached.findings;
    }
    const reads = new Set<string>();
    this.#reads.set(uri, reads);
    this.#pins.set(uri, await pinsBeside(path));
    const read = (at: string, written: string): Promise<FoundSource> => this.#read(at, written, reads);
    const uriAt = (at: string): string => this.#openAt(at)?.uri ?? pathToFileURL(at).href;
    const homeDirectory = this.#homeDirectory;
    const pins = this.#pins.get(uri) ?? noPins;
    cached.findings = await findingsWithJoined(source, { path, homeDirectory, pins, signal, read, uriAt });
    return cached.findings;
  }

  /** Documents whose findings rest on the text of another file. */
  readersOf(uri: string): readonly string[] {
    const path = pathOf(uri);
    if (path === null) return [];
    const paths = [path, withoutLinks(path)];
    return [...this.#reads].flatMap(([reader, reads]) =>
      reader !== uri && paths.some((one) => reads.has(one)) ? [reader] : [],
    );
  }

  forget(uri: string): void {
    this.#cache.delete(uri);
    this.#reads.delete(uri);
    this.#pins.delete(uri);
  }

  find = (from: KnownFile, reference: string): ParsedFile | undefined => {
    const path = pathOf(from.uri);
    const repository = repositoryOf(reference);
    if (repository !== null) {
      const tree = keptGitTree(this.#homeDirectory, repository, this.#pins.get(from.uri) ?? noPins);
      return tree === null ? undefined : this.#fileAt(resolveLightfile(tree.directory, repository.path));
    }
    if (path === null || !isRelativePath(reference)) return undefined;
    return this.#fileAt(resolveLightfile(dirname(path), reference));
  };

  all = (): readonly ParsedFile[] => {
    const uris = new Set([
      ...this.#open.all().map((document) => document.uri),
      ...this.folders.flatMap(findLightfiles).map((path) => pathToFileURL(path).href),
    ]);
    return [...uris].flatMap((uri) => this.file(uri) ?? []);
  };

  #fileAt(path: string): ParsedFile | undefined {
    return this.file(this.#openAt(path)?.uri ?? pathToFileURL(path).href);
  }

  #openAt(path: string): TextDocument | undefined {
    return this.#open.all().find(({ uri }) => {
      const own = pathOf(uri);
      return own !== null && (own === path || withoutLinks(own) === path);
    });
  }

  /** What the editor has comes before what the disk has. */
  async #read(path: string, written: string, reads: Set<string>): Promise<FoundSource> {
    for (const [at, isInFolder] of [
      [path, false],
      [join(path, "Lightfile"), true],
    ] as const) {
      reads.add(at).add(withoutLinks(at));
      const open = this.#openAt(at);
      if (open === undefined) continue;
      return { kind: "text", path: withoutLinks(at), text: open.getText(), isInFolder };
    }
    return await readSource(path, written);
  }

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
