import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, posix, relative, resolve } from "node:path";
import { type Diagnosed, type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import { Failure } from "../diagnostics/failure.ts";
import { findReferences, type References } from "../graph/base-references.ts";
import type { FileRequest, LoadedFile, Program } from "../graph/link/program.ts";
import { describeReference, type GitReference } from "../graph/link/reference.ts";
import { errorRanges } from "../graph/parse-mistakes.ts";
import type { PlanOptions } from "../graph/plan-options.ts";
import { parseLightfile } from "../lightfile/parse.ts";
import type { GitPlace } from "./git-place.ts";
import type { GitTree } from "./kept-git.ts";
import { locateFailure } from "./located.ts";
import { type FoundSource, readSource } from "./read-source.ts";

/** Whoever has the files of repositories. */
export interface GitTrees {
  /** Null: they are not here, and nobody may be asked for them. */
  fetch(place: GitPlace, signal: AbortSignal): Promise<GitTree | null>;
}

export interface LoadOptions {
  readonly git: GitTrees;
  readonly signal: AbortSignal;
  /** False when there are mistakes already: no repository is fetched to find more. Default true. */
  readonly mayAsk?: boolean;
  /** Reads what stands at a path; {@link readSource} when left out. */
  readonly read?: typeof readSource;
  /** Told of trouble with a repository, located at the reference; without it that is thrown. */
  onTrouble?(trouble: Failure): void;
}

export interface LoadedProgram extends Diagnosed<References> {
  /** Those diagnostics that planning the program does not tell once more. */
  readonly whileReading: readonly Diagnostic[];
}

/**
 * Reads every Lightfile that the target needs, and joins it with the program.
 *
 * @returns the images that it needs; the diagnostics have what is wrong with any of the files as far as that can be
 *   told now
 * @throws Failure `GitMissing`, `GitUnreachable`, located at the reference; the signal's reason when aborted
 */
export async function loadProgram(
  program: Program,
  planOptions: PlanOptions,
  options: LoadOptions,
): Promise<LoadedProgram> {
  const loader = new Loader(program, options);
  let references = findReferences(program, planOptions);
  while (references.value.files.length > 0) {
    for (const request of references.value.files) await loader.load(request);
    references = findReferences(program, planOptions);
  }
  const { diagnostics: whileReading } = loader;
  return {
    value: references.value,
    diagnostics: [...whileReading, ...references.diagnostics],
    whileReading,
  };
}

/** Where a file of a repository is kept. */
interface InRepository {
  readonly reference: GitReference;
  readonly tree: GitTree;
}

class Loader {
  readonly diagnostics: Diagnostic[] = [];
  readonly #program: Program;
  readonly #options: LoadOptions;
  /** By identity. */
  readonly #loaded = new Map<string, LoadedFile>();
  /** By identity. */
  readonly #repositories = new Map<string, InRepository>();

  constructor(program: Program, options: LoadOptions) {
    this.#program = program;
    this.#options = options;
  }

  /** Settles one request: joins the file, or says why there is none. */
  async load(request: FileRequest): Promise<void> {
    this.#options.signal.throwIfAborted();
    if (this.#program.find(request) !== undefined) return;
    try {
      const found = this.#mayFetch(request) ? await this.#find(request) : "nowhere";
      if (found === "image" || found === "nowhere") this.#program.settle(request, found);
      else this.diagnostics.push(...this.#program.join(request, found).diagnostics);
    } catch (error) {
      if (this.#options.signal.aborted) throw error;
      this.#tell(error, request);
      this.#program.settle(request, "nowhere");
    }
  }

  #mayFetch({ reference }: FileRequest): boolean {
    const { mayAsk = true } = this.#options;
    return reference.kind !== "git" || (mayAsk && !hasErrors(this.diagnostics));
  }

  #tell(error: unknown, request: FileRequest): void {
    const { onTrouble } = this.#options;
    try {
      this.diagnostics.push(locateFailure(error, request));
    } catch (trouble) {
      if (!(trouble instanceof Failure) || onTrouble === undefined) throw trouble;
      onTrouble(trouble);
    }
  }

  async #find(request: FileRequest): Promise<LoadedFile | "image" | "nowhere"> {
    const { from, reference } = request;
    if (reference.kind === "git") return await this.#findInRepository(request, reference);
    const repository = this.#repositories.get(from.identity);
    if (repository !== undefined) {
      const path = pathInside(repository.reference.path, reference.path);
      const inside = { ...repository.reference, path };
      return await this.#readFrom(request, { reference: inside, tree: repository.tree });
    }
    const { lightfilePath, directory } = from.context;
    const path = resolve(lightfilePath === null ? directory : dirname(lightfilePath), reference.path);
    const found = await this.#read(path, reference.path);
    if (found.kind === "image") return "image";
    const shown = displayPath(from.tree.source.path, reference.path, found.isInFolder);
    return this.#parse(request, { identity: found.path, shown, text: found.text, path: found.path });
  }

  async #read(path: string, written: string): Promise<FoundSource> {
    const { read = readSource } = this.#options;
    return await read(path, written);
  }

  async #findInRepository(
    request: FileRequest,
    reference: GitReference,
  ): Promise<LoadedFile | "image" | "nowhere"> {
    if (/^file:/i.test(reference.url) && this.#isFromElsewhere(request)) {
      throw new Failure({
        code: "InvalidGitReference",
        category: "usage",
        message: `${request.source.path} comes from another host, and names a repository of this one`,
        hint: "a fetched Lightfile can refer to files beside it, and to other hosts",
      });
    }
    const { url, ref } = reference;
    const { git, signal } = this.#options;
    const tree = await git.fetch({ url, ref }, signal);
    if (tree === null) return "nowhere";
    return await this.#readFrom(request, { reference, tree });
  }

  #isFromElsewhere({ from }: FileRequest): boolean {
    const repository = this.#repositories.get(from.identity);
    return repository !== undefined && !/^file:/i.test(repository.reference.url);
  }

  async #readFrom(request: FileRequest, repository: InRepository): Promise<LoadedFile | "image"> {
    const { reference, tree } = repository;
    const root = await realpath(tree.directory);
    const written = describeReference(reference);
    const found = await this.#read(join(root, reference.path), written);
    if (found.kind === "image") return "image";
    const inside = relative(root, found.path);
    if (inside.startsWith("..") || isAbsolute(inside)) throw outside(written);
    const identity = `${reference.url}@${tree.commit}:${inside}`;
    const actual = { ...reference, path: inside };
    this.#repositories.set(identity, { reference: actual, tree });
    const shown = `${reference.url}#${reference.ref ?? tree.commit.slice(0, 12)}:${inside}`;
    const parsed = this.#parse(request, { identity, shown, text: found.text, path: found.path });
    return { ...parsed, repositoryRoot: root };
  }

  #parse(
    request: FileRequest,
    file: { readonly identity: string; readonly shown: string; readonly text: string; readonly path: string },
  ): LoadedFile {
    const known = this.#loaded.get(file.identity);
    if (known !== undefined) return known;
    const { entry } = this.#program;
    // The entry itself, when a file refers back to it: that is a loop, which the program tells.
    if (entry.identity === file.identity) return entry;
    const { value: tree, diagnostics } = parseLightfile({ path: file.shown, text: file.text });
    const readFor = { message: "it is read for this", source: request.source, range: request.range };
    for (const diagnostic of diagnostics) {
      const related = [...(diagnostic.related ?? []), readFor];
      this.diagnostics.push(diagnostic.severity === "error" ? { ...diagnostic, related } : diagnostic);
    }
    const context = { directory: dirname(file.path), lightfilePath: file.path };
    const loaded = { identity: file.identity, tree, context, parseErrors: errorRanges(diagnostics) };
    this.#loaded.set(file.identity, loaded);
    return loaded;
  }
}

/** The path of a file beside another one of the repository. */
function pathInside(from: string, reference: string): string {
  const path = posix.join(posix.dirname(from), reference);
  if (path === ".." || path.startsWith("../")) throw outside(reference);
  return path;
}

function outside(written: string): Failure {
  return new Failure({
    code: "OutsideRepository",
    category: "usage",
    message: `${written} leads out of its repository`,
    hint: "a Lightfile of a repository reads only files of that repository",
  });
}

/** As the user would write it from where the first file's path starts. */
function displayPath(from: string, reference: string, isInFolder: boolean): string {
  return join(dirname(from), reference, isInFolder ? "Lightfile" : "");
}
