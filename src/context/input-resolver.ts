import type { Range, SourceFile } from "../diagnostics/source-file.ts";
import type { Findings } from "../graph/findings.ts";
import type { Hasher } from "../graph/hash.ts";
import type { StepInputs } from "../graph/keyed-plan.ts";
import type { CopyPattern, PlannedStep } from "../graph/plan.ts";
import type { ContentDigest, StepId } from "../model/identifiers.ts";
import type { ContextEntry, ContextSource } from "../model/step-operation.ts";
import { archiveKind } from "./archive-kind.ts";
import type { ContentLocation, ContentPaths } from "./content-location.ts";
import type { ContextTree, FileNode, TreeNode } from "./context-tree.ts";
import { ContextTrouble, readTrouble } from "./context-trouble.ts";
import { hashFiles } from "./hash-files.ts";
import { type SelectedSource, selectSources } from "./select-sources.ts";
import type { StatCache } from "./stat-cache.ts";

export interface ResolvedInputs {
  readonly inputs: StepInputs;
  readonly contentPaths: ContentPaths;
}

export function copiesFromContext(step: PlannedStep): boolean {
  return step.definition.kind === "copy" && step.definition.source.kind === "context";
}

/** What a COPY or ADD from the context names; nothing for any other step. */
export function patternsOf(step: PlannedStep): readonly CopyPattern[] {
  const { definition } = step;
  return definition.kind === "copy" && definition.source.kind === "context" ? definition.source.patterns : [];
}

export interface InputResolverOptions {
  readonly statCache: StatCache;
  readonly signal: AbortSignal;
  /** Of the file that a step stands in. */
  findingsFor(source: SourceFile): Findings;
  readonly hasher: Hasher;
}

type Selection =
  | { readonly kind: "selected"; readonly source: SelectedSource; readonly place: Place }
  | { readonly kind: "inline"; readonly source: ContextSource };

/** The word that asks for something. */
interface Place {
  readonly findings: Findings;
  readonly range: Range;
}

/** Selects and hashes what steps name; troubles become findings at the words that ask for it. */
export class InputResolver {
  readonly #options: InputResolverOptions;
  readonly #tree: ContextTree;
  readonly #inline = new Map<ContentDigest, ContentLocation>();

  constructor(options: InputResolverOptions, tree: ContextTree) {
    this.#options = options;
    this.#tree = tree;
  }

  /** The inputs of steps that copy from the context; whole when there are no findings. */
  async resolve(steps: readonly PlannedStep[]): Promise<ResolvedInputs> {
    const selections = new Map<StepId, readonly Selection[]>();
    for (const step of steps) selections.set(step.id, await this.#select(step));
    const files = [...selections.values()].flatMap(filesOf);
    await hashFiles(files, { ...this.#options, tree: this.#tree });
    const inputs = new Map<StepId, readonly ContextSource[]>();
    for (const [id, selected] of selections) inputs.set(id, this.#toSources(selected));
    return { inputs, contentPaths: this.#contentPaths(files) };
  }

  /** Built when the first content is asked for: a bake where every step is cached never does. */
  #contentPaths(files: readonly FileNode[]): ContentPaths {
    let locations: Map<ContentDigest, ContentLocation> | undefined;
    const locate = (): Map<ContentDigest, ContentLocation> => {
      const found = new Map(this.#inline);
      for (const { path, digest } of files) {
        if (typeof digest === "string") found.set(digest, { kind: "file", path: this.#tree.hostPath(path) });
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
    const selected: Selection[] = [];
    for (const pattern of patternsOf(step)) {
      if (pattern.kind === "inline") {
        selected.push({ kind: "inline", source: this.#inlineSource(pattern.name, pattern.content) });
        continue;
      }
      if (pattern.kind !== "path") throw new Error(`internal error: a ${pattern.kind} is not fetched yet`);
      const place = { findings: this.#options.findingsFor(step.source), range: pattern.range };
      await this.#locate(place, async () => {
        const sources = await selectSources(this.#tree, pattern.pattern, this.#options.signal);
        warnWhenEmpty(sources, pattern, place);
        await this.#checkSources(step, sources);
        for (const source of sources) selected.push({ kind: "selected", source, place });
      });
    }
    return selected;
  }

  async #checkSources(step: PlannedStep, sources: readonly SelectedSource[]): Promise<void> {
    const { definition } = step;
    if (definition.kind !== "copy" || definition.source.kind !== "context") return;
    const files = sources.filter((source) => source.kind === "file");
    if (sources.length > 1 && files.length > 0 && !definition.destinationIsDirectory) {
      throw new ContextTrouble(
        "DestinationNotDirectory",
        `the wildcard matches ${sources.length} sources, which cannot go to the one name ${definition.destination}`,
        `end the destination with a slash: ${definition.destination}/`,
      );
    }
    if (definition.source.unpacks === "never") return;
    for (const source of files) await this.#refuseArchive(source);
  }

  async #refuseArchive(source: SelectedSource): Promise<void> {
    const path = source.nodes[0]?.node.path ?? "";
    const kind = await archiveKind(this.#tree.hostPath(path)).catch((error: unknown) => {
      throw readTrouble(path, error);
    });
    if (kind === null) return;
    throw new ContextTrouble(
      "NotSupportedYet",
      `ADD cannot unpack ${source.written} (${kind}) yet`,
      "write COPY to copy the archive as it is, and unpack it in a RUN",
    );
  }

  #inlineSource(name: string, content: string): ContextSource {
    const bytes = Buffer.from(content, "utf8");
    const digest = this.#options.hasher.hashBytes(bytes);
    this.#inline.set(digest, { kind: "inline", text: content });
    const entry = { kind: "file", path: "", mode: 0o644, sizeBytes: bytes.length, digest } as const;
    return { written: `<<${name}`, kind: "file", name, entries: [entry] };
  }

  #toSources(selected: readonly Selection[]): readonly ContextSource[] {
    return selected.map((one): ContextSource => {
      if (one.kind === "inline") return one.source;
      const { written, kind, name, nodes } = one.source;
      const entries: ContextEntry[] = [];
      for (const { path, node } of nodes) {
        const entry = toEntry(path, node);
        if (entry instanceof ContextTrouble) report(entry, one.place);
        else entries.push(entry);
      }
      return { written, kind, name, entries };
    });
  }

  /** Turns trouble with the context into a diagnostic at the word that asked for it. */
  async #locate(place: Place, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof ContextTrouble)) throw error;
      report(error, place);
    }
  }
}

function report({ code, message, hint }: ContextTrouble, { findings, range }: Place): void {
  findings.error(code, message, range, { hint });
}

function warnWhenEmpty(
  sources: readonly SelectedSource[],
  { pattern }: { readonly pattern: string },
  { findings, range }: Place,
): void {
  if (sources.length > 0) return;
  findings.warning("WildcardMatchesNothing", `nothing in the context matches ${pattern}`, range, {
    hint: "nothing is copied for it: correct the pattern, or take it out",
  });
}

function filesOf(selected: readonly Selection[]): readonly FileNode[] {
  return selected.flatMap((one) =>
    one.kind === "inline" ? [] : one.source.nodes.flatMap(({ node }) => (node.kind === "file" ? node : [])),
  );
}

function toEntry(path: string, node: TreeNode): ContextEntry | ContextTrouble {
  if (node.kind === "directory") return { kind: "directory", path, mode: 0o755 };
  if (node.kind === "symlink") return { kind: "symlink", path, target: node.target };
  const { digest, facts } = node;
  if (digest === null) throw new Error(`internal error: ${node.path} was not hashed`);
  if (digest instanceof ContextTrouble) return digest;
  // Of the host's bits only the owner's executable bit is in what a checkout reproduces everywhere.
  const mode = (facts.mode & 0o100) === 0 ? 0o644 : 0o755;
  return { kind: "file", path, mode, sizeBytes: facts.sizeBytes, digest };
}
