import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, posix, relative, resolve } from "node:path";
import { type Diagnosed, type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import { Failure } from "../diagnostics/failure.ts";
import { findReferences, type References } from "../graph/base-references.ts";
import type { FileRequest, LoadedFile, Program } from "../graph/link/program.ts";
import { describeReference, type GitReference } from "../graph/link/reference.ts";
import type { PlanOptions } from "../graph/plan-options.ts";
import { parseLightfile } from "../lightfile/parse.ts";
import type { GitTree } from "./git.ts";
import { locateFailure } from "./located.ts";
import type { PinnedGit } from "./pinned-git.ts";
import { readSource } from "./read-source.ts";

export interface LoadOptions {
  readonly git: PinnedGit;
  readonly signal: AbortSignal;
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
): Promise<Diagnosed<References>> {
  const loader = new Loader(program, options);
  let references = findReferences(program, planOptions);
  while (references.value.files.length > 0) {
    for (const request of references.value.files) await loader.load(request);
    references = findReferences(program, planOptions);
  }
  return { value: references.value, diagnostics: [...loader.diagnostics, ...references.diagnostics] };
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
  /** By identity; null: the file has mistakes, which are told. */
  readonly #loaded = new Map<string, LoadedFile | null>();
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
      const found = await this.#find(request);
      if (found === "image" || found === null) {
        this.#program.settle(request, found === null ? "nowhere" : "image");
        return;
      }
      this.diagnostics.push(...this.#program.join(request, found).diagnostics);
    } catch (error) {
      if (this.#options.signal.aborted) throw error;
      this.diagnostics.push(locateFailure(error, request));
      this.#program.settle(request, "nowhere");
    }
  }

  async #find(request: FileRequest): Promise<LoadedFile | "image" | null> {
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
    const found = await readSource(path, reference.path);
    if (found.kind === "image") return "image";
    const shown = displayPath(from.tree.source.path, reference.path, found.isInFolder);
    return this.#parse(request, { identity: found.path, shown, text: found.text, path: found.path });
  }

  async #findInRepository(
    request: FileRequest,
    reference: GitReference,
  ): Promise<LoadedFile | "image" | null> {
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
    return await this.#readFrom(request, { reference, tree });
  }

  #isFromElsewhere({ from }: FileRequest): boolean {
    const repository = this.#repositories.get(from.identity);
    return repository !== undefined && !/^file:/i.test(repository.reference.url);
  }

  async #readFrom(request: FileRequest, repository: InRepository): Promise<LoadedFile | "image" | null> {
    const { reference, tree } = repository;
    const root = await realpath(tree.directory);
    const written = describeReference(reference);
    const found = await readSource(join(root, reference.path), written);
    if (found.kind === "image") return "image";
    const inside = relative(root, found.path);
    if (inside.startsWith("..") || isAbsolute(inside)) throw outside(written);
    const identity = `${reference.url}@${tree.commit}:${inside}`;
    const actual = { ...reference, path: inside };
    this.#repositories.set(identity, { reference: actual, tree });
    const shown = `${reference.url}#${reference.ref ?? tree.commit.slice(0, 12)}:${inside}`;
    const parsed = this.#parse(request, { identity, shown, text: found.text, path: found.path });
    return parsed === null ? null : { ...parsed, repositoryRoot: root };
  }

  #parse(
    request: FileRequest,
    file: { readonly identity: string; readonly shown: string; readonly text: string; readonly path: string },
  ): LoadedFile | null {
    const known = this.#loaded.get(file.identity);
    if (known !== undefined) return known;
    const { entry } = this.#program;
    // The entry itself, when a file refers back to it: that is a loop, which the program tells.
    if (entry.identity === file.identity) return entry;
    const { value: tree, diagnostics } = parseLightfile({ path: file.shown, text: file.text });
    const broken = hasErrors(diagnostics);
    const readFor = { message: "it is read for this", source: request.source, range: request.range };
    for (const diagnostic of diagnostics) {
      const related = [...(diagnostic.related ?? []), readFor];
      this.diagnostics.push(diagnostic.severity === "error" ? { ...diagnostic, related } : diagnostic);
    }
    const context = { directory: dirname(file.path), lightfilePath: file.path };
    const loaded = broken ? null : { identity: file.identity, tree, context };
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
