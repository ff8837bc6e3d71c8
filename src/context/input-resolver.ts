import { unreachable } from "../diagnostics/unreachable.ts";
import type { Findings } from "../graph/findings.ts";
import type { Hasher } from "../graph/keys/hash.ts";
import type { StepInputs } from "../graph/keys/keyed-plan.ts";
import {
  type ContextSelection,
  type CopyDefinition,
  type CopyPattern,
  type LookedUpImage,
  mountSourcesOf,
  type PlannedStep,
} from "../graph/plan.ts";
import type { ContentDigest, StepId } from "../model/identifiers.ts";
import type { ContextSource } from "../model/step-operation.ts";
import { isArchive } from "./archive-kind.ts";
import { checkDestination } from "./check-destination.ts";
import type { ContentLocation, ContentPaths } from "./content-location.ts";
import { ContextTrouble, type Place, readTrouble, reportTrouble } from "./context-trouble.ts";
import { rulesOf } from "./copy-selection.ts";
import { type Fetching, selectDownload, selectRepository } from "./fetched-files.ts";
import { hashFiles } from "./hash-files.ts";
import { remoteTrouble } from "./remote-content.ts";
import { selectMounted, selectSources } from "./select-sources.ts";
import {
  filesByTree,
  type HashedTree,
  plainly,
  type Selected,
  type Selection,
  toContextSource,
} from "./selected-files.ts";
import type { FileNode } from "./tree-node.ts";

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

export interface InputResolverOptions extends Fetching {
  /** The context. */
  readonly context: HashedTree;
  /** Of the file that a step stands in. */
  findingsFor(step: PlannedStep): Findings;
  readonly hasher: Hasher;
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
      const place = { findings: this.#options.findingsFor(step), range: pattern.range };
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
      const place = { findings: this.#options.findingsFor(step), range: source.range };
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
        const download = await selectDownload(pattern, place, this.#options);
        // As Docker has it, only files of the context are unpacked of their own accord.
        return [selection.unpacks === "always" ? await unpacked(download, "always") : plainly(download)];
      }
      case "git":
        return selectRepository(pattern, { selection, place }, this.#options);
      default:
        return unreachable(pattern);
    }
  }

  #inlineSource(name: string, content: string): ContextSource {
    const bytes = Buffer.from(content, "utf8");
    const digest = this.#options.hasher.hashBytes(bytes);
    this.#inline.set(digest, { kind: "inline", text: content });
    const entry = { kind: "file", path: "", mode: 0o644, sizeBytes: bytes.length, digest } as const;
    return { written: `<<${name}`, kind: "file", name, entries: [entry] };
  }
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
    reportTrouble(error instanceof ContextTrouble ? error : remoteTrouble(error, place), place);
  }
}

function warnOfNothing(pattern: string, { excludes }: ContextSelection, { findings, range }: Place): void {
  const left = excludes.length === 0 ? "" : " and is not excluded";
  findings.warning("WildcardMatchesNothing", `nothing in the context matches ${pattern}${left}`, range, {
    hint: "nothing is copied for it: correct the pattern, take it out, or say --if-exists when that is meant",
  });
}
