import { basename, dirname } from "node:path";
import type { Range, SourceFile } from "../diagnostics/source-file.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import type { Findings } from "../graph/findings.ts";
import type { Hasher } from "../graph/hash.ts";
import type { StepInputs } from "../graph/keyed-plan.ts";
import {
  type ContextSelection,
  type CopyDefinition,
  type CopyPattern,
  type LookedUpImage,
  mountSourcesOf,
  type PlannedStep,
} from "../graph/plan.ts";
import type { ContentDigest, StepId } from "../model/identifiers.ts";
import type { ContextEntry, ContextSource } from "../model/step-operation.ts";
import { isArchive } from "./archive-kind.ts";
import { checkDestination } from "./check-destination.ts";
import type { ContentLocation, ContentPaths } from "./content-location.ts";
import type { ContextTree, FileNode } from "./context-tree.ts";
import { ContextTrouble, readTrouble } from "./context-trouble.ts";
import { rulesOf } from "./copy-selection.ts";
import { hashFiles } from "./hash-files.ts";
import { type GitPattern, type RemoteContent, remoteTrouble, type UrlPattern } from "./remote-content.ts";
import { type SelectedNode, type SelectedSource, selectMounted, selectSources } from "./select-sources.ts";
import type { StatCache } from "./stat-cache.ts";

export interface ResolvedInputs {
  readonly inputs: StepInputs;
  readonly contentPaths: ContentPaths;
}

/** Whether a step takes anything from the context, or from where ADD fetches. */
export function takesInputs({ definition }: PlannedStep): boolean {
  if (definition.kind === "copy") return definition.source.kind === "context";
  return definition.kind === "run" && mountSourcesOf(definition).some(({ kind }) => kind === "context");
}

/** Whether a step reads the context's own files. */
export function readsContext(step: PlannedStep): boolean {
  const { definition } = step;
  if (definition.kind !== "copy") return takesInputs(step);
  return (
    definition.source.kind === "context" && definition.source.patterns.some(({ kind }) => kind === "path")
  );
}

export interface InputResolverOptions {
  /** The context. */
  readonly context: HashedTree;
  /** A folder that nothing ignores: of what was fetched. */
  openFolder(directory: string): Promise<HashedTree>;
  readonly signal: AbortSignal;
  /** Of the file that a step stands in. */
  findingsFor(source: SourceFile): Findings;
  readonly hasher: Hasher;
  readonly remote: RemoteContent;
}

/** Files of one folder, which are hashed together. */
export interface HashedTree {
  readonly tree: ContextTree;
  readonly statCache: StatCache;
}

type Selection =
  | {
      readonly kind: "selected";
      readonly from: HashedTree;
      readonly source: SelectedSource;
      readonly place: Place;
      readonly isArchive: boolean;
      /** Of its files; null: as the host has them. */
      readonly fileMode: number | null;
      /** Of the repository that it comes from; null: none. */
      readonly commit: string | null;
    }
  | { readonly kind: "inline"; readonly source: ContextSource };

/** The word that asks for something. */
interface Place {
  readonly findings: Findings;
  readonly range: Range;
}

/** Selects and hashes what steps name; troubles become findings at the words that ask for it. */
export class InputResolver {
  readonly #options: InputResolverOptions;
  readonly #inline = new Map<ContentDigest, ContentLocation>();

  constructor(options: InputResolverOptions) {
    this.#options = options;
  }

  /** The inputs of steps that take any; whole when there are no findings. */
  async resolve(steps: readonly PlannedStep[]): Promise<ResolvedInputs> {
    const selections = new Map<StepId, readonly Selection[]>();
    for (const step of steps) selections.set(step.id, await this.#select(step));
    const files = filesByTree([...selections.values()].flat());
    for (const [from, nodes] of files) await hashFiles(nodes, { ...this.#options, ...from });
    const inputs = new Map<StepId, readonly ContextSource[]>();
    for (const [id, selected] of selections) inputs.set(id, selected.map(toContextSource));
    return { inputs, contentPaths: this.#contentPaths(files) };
  }

  /** Built when the first content is asked for: a bake where every step is cached never does. */
  #contentPaths(files: ReadonlyMap<HashedTree, readonly FileNode[]>): ContentPaths {
    let locations: Map<ContentDigest, ContentLocation> | undefined;
    const locate = (): Map<ContentDigest, ContentLocation> => {
      const found = new Map(this.#inline);
      for (const [{ tree }, nodes] of files) {
        for (const { path, digest } of nodes) {
          if (typeof digest === "string") found.set(digest, { kind: "file", path: tree.hostPath(path) });
        }
      }
      return found;
    };
    return {
      get: (digest) => {
        locations ??= locate();
        return locations.get(digest);
      },
    };
  }

  async #select(step: PlannedStep): Promise<readonly Selection[]> {
    const { definition } = step;
    if (definition.kind === "run") return this.#selectMounted(step);
    if (definition.kind !== "copy" || definition.source.kind !== "context") return [];
    const selection = definition.source;
    const selected: Selection[] = [];
    for (const pattern of selection.patterns) {
      if (pattern.kind === "inline") {
        selected.push({ kind: "inline", source: this.#inlineSource(pattern.name, pattern.content) });
        continue;
      }
      const place = { findings: this.#options.findingsFor(step.source), range: pattern.range };
      await locate(place, async () => {
        selected.push(...(await this.#selectPattern(pattern, { definition, selection, place })));
      });
    }
    return selected;
  }

  async #selectMounted(step: PlannedStep): Promise<readonly Selection[]> {
    const { definition } = step;
    if (definition.kind !== "run") return [];
    const selected: Selection[] = [];
    for (const source of mountSourcesOf(definition)) {
      if (source.kind !== "context") continue;
      const place = { findings: this.#options.findingsFor(step.source), range: source.range };
      await locate(place, async () => {
        const { context: from, signal } = this.#options;
        selected.push(
          plainly({ from, source: await selectMounted(from.tree, source.path, { signal }), place }),
        );
      });
    }
    return selected;
  }

  async #selectPattern(
    pattern: Exclude<CopyPattern, { kind: "inline" }>,
    { definition, selection, place }: CopyPlace,
  ): Promise<readonly Selection[]> {
    switch (pattern.kind) {
      case "path": {
        const { context: from, signal } = this.#options;
        const sources = await selectSources(from.tree, pattern.pattern, {
          rules: rulesOf(selection),
          signal,
        });
        if (sources.length === 0 && !selection.ifExists) warnOfNothing(pattern.pattern, selection, place);
        checkDestination(sources, definition);
        const { unpacks } = selection;
        if (unpacks === "never") return sources.map((source) => plainly({ from, source, place }));
        return Promise.all(sources.map((source) => unpacked({ from, source, place }, unpacks)));
      }
      case "url": {
        const download = await this.#download(pattern, place);
        // As Docker has it, only files of the context are unpacked of their own accord.
        return [selection.unpacks === "always" ? await unpacked(download, "always") : plainly(download)];
      }
      case "git":
        return this.#checkOut(pattern, { selection, place });
      default:
        return unreachable(pattern);
    }
  }

  async #download(pattern: UrlPattern, place: Place): Promise<Selected> {
    const { remote, signal } = this.#options;
    const { path } = await remote.fetchUrl(pattern, signal);
    const from = await this.#options.openFolder(dirname(path));
    const node = from.tree.resolve(basename(path));
    if (node?.kind !== "file") throw new Error(`internal error: ${pattern.url} is not at ${path}`);
    const nodes = [{ path: "", node }];
    const source: SelectedSource = {
      written: pattern.url,
      kind: "file",
      name: pattern.name || "index",
      nodes,
    };
    return { from, source, place, fileMode: downloadMode };
  }

  async #checkOut(
    pattern: GitPattern,
    { selection, place }: Pick<CopyPlace, "selection" | "place">,
  ): Promise<readonly Selection[]> {
    const { remote, signal, openFolder } = this.#options;
    const { commit, directory, gitDirectory } = await remote.fetchGit(pattern, signal);
    if (pattern.commitPrefix !== null && !commit.startsWith(pattern.commitPrefix)) {
      throw new ContextTrouble(
        "ChecksumMismatch",
        `${pattern.ref ?? "HEAD"} of ${pattern.repository} is ${commit}, not ${pattern.commitPrefix}…`,
        "see what changed there, then name the commit that is meant",
      );
    }
    const from = await openFolder(directory);
    const { excludes } = rulesOf(selection);
    const source = await selectMounted(from.tree, pattern.path, { excludes, signal }).catch(
      (error: unknown) => {
        if (!(error instanceof ContextTrouble) || error.code !== "SourceNotFound") throw error;
        throw new ContextTrouble(
          "SourceNotFound",
          `${pattern.path} is not in ${pattern.repository} at ${pattern.ref ?? "its HEAD"}`,
          error.hint?.startsWith("did you mean") === true ? error.hint : undefined,
        );
      },
    );
    const written = pattern.path === "" ? pattern.repository : `${pattern.repository}:${pattern.path}`;
    const files = plainly({ from, source: { ...source, written }, place, commit });
    if (!pattern.keepsGitDirectory) return [files];
    const repository = await openFolder(gitDirectory);
    const git = await selectMounted(repository.tree, "", { signal });
    return [files, plainly({ from: repository, source: below(".git", git), place })];
  }

  #inlineSource(name: string, content: string): ContextSource {
    const bytes = Buffer.from(content, "utf8");
    const digest = this.#options.hasher.hashBytes(bytes);
    this.#inline.set(digest, { kind: "inline", text: content });
    const entry = { kind: "file", path: "", mode: 0o644, sizeBytes: bytes.length, digest } as const;
    return { written: `<<${name}`, kind: "file", name, entries: [entry] };
  }
}

type SelectedFiles = Extract<Selection, { kind: "selected" }>;

type Selected = Pick<SelectedFiles, "from" | "source" | "place"> & {
  readonly fileMode?: number;
  readonly commit?: string;
};

function plainly(selected: Selected): SelectedFiles {
  return { kind: "selected", isArchive: false, fileMode: null, commit: null, ...selected };
}

/** ADD takes an archive apart; with `--unpack` what is none is a mistake. */
async function unpacked(selected: Selected, unpacks: "auto" | "always"): Promise<Selection> {
  const { from, source } = selected;
  const node = source.nodes[0]?.node;
  if (source.kind === "file" && node?.kind === "file") {
    const isOne = await isArchive(from.tree.hostPath(node.path)).catch((error: unknown) => {
      throw readTrouble(node.path, error);
    });
    if (isOne) return { ...plainly(selected), isArchive: true, fileMode: null };
  }
  if (unpacks === "auto") return plainly(selected);
  throw new ContextTrouble(
    "NotAnArchive",
    `${source.written} is no archive that could be unpacked`,
    "a tar can be, plain or compressed with gzip, bzip2, xz or zstd; take --unpack out to copy it as it is",
  );
}

/** The directory as one in another. */
function below(name: string, source: SelectedSource): SelectedSource {
  const root: SelectedNode = { path: "", node: { kind: "directory", path: "" }, isImplied: true };
  const nodes = source.nodes.map(({ path, node }) => ({
    path: path === "" ? name : `${name}/${path}`,
    node,
  }));
  return { ...source, nodes: [root, ...nodes] };
}

interface CopyPlace {
  readonly definition: CopyDefinition<LookedUpImage>;
  readonly selection: ContextSelection;
  readonly place: Place;
}

/** Turns trouble with the context, or with what is fetched, into a diagnostic at the word that asked for it. */
async function locate(place: Place, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    report(error instanceof ContextTrouble ? error : remoteTrouble(error, place), place);
  }
}

function report(
  {
    code,
    message,
    hint,
  }: { readonly code: string; readonly message: string; readonly hint?: string | undefined },
  { findings, range }: Place,
): void {
  findings.error(code, message, range, { hint });
}

function warnOfNothing(pattern: string, { excludes }: ContextSelection, { findings, range }: Place): void {
  const left = excludes.length === 0 ? "" : " and is not excluded";
  findings.warning("WildcardMatchesNothing", `nothing in the context matches ${pattern}${left}`, range, {
    hint: "nothing is copied for it: correct the pattern, take it out, or say --if-exists when that is meant",
  });
}

function filesByTree(selected: readonly Selection[]): ReadonlyMap<HashedTree, readonly FileNode[]> {
  const files = new Map<HashedTree, FileNode[]>();
  for (const one of selected) {
    if (one.kind === "inline") continue;
    const known = files.get(one.from) ?? [];
    for (const { node } of one.source.nodes) if (node.kind === "file") known.push(node);
    files.set(one.from, known);
  }
  return files;
}

function toContextSource(selection: Selection): ContextSource {
  if (selection.kind === "inline") return selection.source;
  const { source, place, fileMode, commit } = selection;
  const entries: ContextEntry[] = [];
  for (const node of source.nodes) {
    const entry = toEntry(node, fileMode);
    if (entry instanceof ContextTrouble) report(entry, place);
    else entries.push(entry);
  }
  const { written, name } = source;
  return {
    written,
    kind: selection.isArchive ? "archive" : source.kind,
    name,
    ...(commit === null ? {} : { commit }),
    entries,
  };
}

/** What ADD downloads is its owner's alone, as Docker has it: nobody knows what a server sends. */
const downloadMode = 0o600;

function toEntry(
  { path, node, isImplied }: SelectedNode,
  fileMode: number | null,
): ContextEntry | ContextTrouble {
  if (node.kind === "directory") {
    return { kind: "directory", path, mode: 0o755, ...(isImplied === true ? { isImplied } : {}) };
  }
  if (node.kind === "symlink") return { kind: "symlink", path, target: node.target };
  const { digest, facts } = node;
  if (digest === null) throw new Error(`internal error: ${node.path} was not hashed`);
  if (digest instanceof ContextTrouble) return digest;
  return { kind: "file", path, mode: fileMode ?? modeOf(facts.mode), sizeBytes: facts.sizeBytes, digest };
}

/** Of the host's bits only the owner's executable bit is in what a checkout reproduces everywhere. */
function modeOf(hostMode: number): number {
  return (hostMode & 0o100) === 0 ? 0o644 : 0o755;
}
