import type { RelatedLocation } from "../../diagnostics/diagnostic.ts";
import type { Range, SourceFile } from "../../diagnostics/source-file.ts";
import type { LightfileTree } from "../../lightfile/ast.ts";
import { Findings } from "../findings.ts";
import { canonicalJson } from "../keys/canonical-json.ts";
import type { ContextFolder } from "../plan.ts";
import { countStages } from "../stages.ts";
import { describeReference, type FileReference, labelOfReference } from "./reference.ts";

export type Arguments = Readonly<Record<string, string>>;

/** A Lightfile that somebody has read. */
export interface LoadedFile {
  /** The same for the same file, however it is named: an absolute path, or a repository, commit and path. */
  readonly identity: string;
  readonly tree: LightfileTree;
  readonly context: ContextFolder;
  /** Of the parser's errors; see parse-mistakes.ts. */
  readonly parseErrors?: readonly Range[];
  /** Where the repository that it was fetched with is kept; absent for a file of this host. */
  readonly repositoryRoot?: string;
}

/** A Lightfile in a program, with what its ARGs are given: with other arguments it is in it once more. */
export interface ProgramFile extends LoadedFile {
  readonly index: number;
  readonly arguments: Arguments;
  /** What its stages' names and ids begin with; null: the file that is baked. */
  readonly label: string | null;
  /** Index in the program of its stage 0. */
  readonly firstStage: number;
}

/** A place that names another file, not read yet. */
export interface FileRequest {
  readonly from: ProgramFile;
  readonly reference: FileReference;
  readonly arguments: Arguments;
  /** What an IMPORT calls it; null: it is named in place. */
  readonly alias: string | null;
  readonly source: SourceFile;
  readonly range: Range;
}

/** What a reference led to. */
export type Link =
  | { readonly kind: "file"; readonly file: ProgramFile }
  /** It is a base image in a file or folder. */
  | { readonly kind: "image" }
  /** A diagnostic says why it leads nowhere. */
  | { readonly kind: "nowhere" };

/** More than anyone joins; files that join each other with two sets of arguments each soon get there. */
const mostFiles = 1000;

interface Edge {
  readonly to: string;
  readonly request: FileRequest;
}

/**
 * Lightfiles joined by their references. It begins with the file that is baked and grows: planning names what it
 * lacks, whoever does I/O reads that, and planning goes on.
 */
export class Program {
  readonly entry: ProgramFile;
  readonly #files: ProgramFile[] = [];
  readonly #links = new Map<string, Link>();
  /** By the identity of the file that refers. */
  readonly #edges = new Map<string, Edge[]>();

  constructor(entry: LoadedFile, buildArguments: Arguments) {
    this.entry = this.#addFile(entry, buildArguments, null);
  }

  get files(): readonly ProgramFile[] {
    return this.#files;
  }

  /** Undefined: nobody has looked yet. */
  find(request: Pick<FileRequest, "from" | "reference" | "arguments">): Link | undefined {
    return this.#links.get(linkKey(request));
  }

  /** Says what a reference leads to, when that is no Lightfile. */
  settle(request: FileRequest, kind: "image" | "nowhere"): void {
    this.#links.set(linkKey(request), { kind });
  }

  /** Joins a file with the program; a reference that closes a loop becomes a finding and leads nowhere. */
  join(request: FileRequest, loaded: LoadedFile): Findings {
    const findings = new Findings(request.source);
    const { identity } = request.from;
    const loop = this.#wayFrom(loaded.identity, identity);
    if (loop !== null) {
      reportLoop(findings, request, loop);
      this.settle(request, "nowhere");
      return findings;
    }
    if (this.#files.length >= mostFiles) {
      findings.error("TooManyFiles", `more than ${mostFiles} Lightfiles would be joined`, request.range, {
        hint: "a file counts once for each set of arguments that it is given: give it fewer",
      });
      this.settle(request, "nowhere");
      return findings;
    }
    const edges = this.#edges.get(identity) ?? [];
    this.#edges.set(identity, [...edges, { to: loaded.identity, request }]);
    const known = this.#files.find(
      (file) => file.identity === loaded.identity && sameArguments(file.arguments, request.arguments),
    );
    const label = request.alias ?? labelOfReference(request.reference);
    const file = known ?? this.#addFile(loaded, request.arguments, label);
    this.#links.set(linkKey(request), { kind: "file", file });
    return findings;
  }

  #addFile(loaded: LoadedFile, given: Arguments, label: string | null): ProgramFile {
    const last = this.#files.at(-1);
    const file: ProgramFile = {
      ...loaded,
      index: this.#files.length,
      arguments: given,
      label: label === null ? null : this.#freeLabel(label),
      firstStage: last === undefined ? 0 : last.firstStage + countStages(last.tree),
    };
    this.#files.push(file);
    return file;
  }

  #freeLabel(wanted: string): string {
    const taken = new Set(this.#files.map((file) => file.label));
    let label = wanted;
    for (let number = 2; taken.has(label); number += 1) label = `${wanted}-${number}`;
    return label;
  }

  /** The references that lead from one file to another, or null when none do. */
  #wayFrom(start: string, goal: string): readonly FileRequest[] | null {
    if (start === goal) return [];
    const reached = new Map<string, readonly FileRequest[]>([[start, []]]);
    const waiting = [start];
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
      const way = reached.get(at) ?? [];
      for (const { to, request } of this.#edges.get(at) ?? []) {
        if (to === goal) return [...way, request];
        if (reached.has(to)) continue;
        reached.set(to, [...way, request]);
        waiting.push(to);
      }
    }
    return null;
  }
}

function linkKey(request: Pick<FileRequest, "from" | "reference" | "arguments">): string {
  return JSON.stringify([
    request.from.index,
    describeReference(request.reference),
    canonicalJson(request.arguments),
  ]);
}

function sameArguments(left: Arguments, right: Arguments): boolean {
  return canonicalJson(left) === canonicalJson(right);
}

function reportLoop(findings: Findings, request: FileRequest, loop: readonly FileRequest[]): void {
  const name = describeReference(request.reference);
  const message =
    loop.length === 0
      ? `${name} is this file itself`
      : `${name} needs this file, which would then need itself: the files refer to each other in a circle`;
  const related = loop.map(
    (edge): RelatedLocation => ({
      message: `${edge.source.path} refers to ${describeReference(edge.reference)} here`,
      source: edge.source,
      range: edge.range,
    }),
  );
  findings.error("ReferenceCycle", message, request.range, {
    hint:
      loop.length === 0
        ? "name a stage of this file by its name alone"
        : "move what both files need into a third one",
    related,
  });
}
