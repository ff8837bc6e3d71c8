import type { LayerKey } from "../../model/identifiers.ts";
import { type ContextEntry, contextSourcesOf } from "../../model/step-operation.ts";
import type { KeyedPlan, KeyedStage, KeyedStep } from "../keys/keyed-plan.ts";

/**
 * What is remembered of a step, so that the next bake can say why its key changed. Plain JSON data; nothing
 * is built on its word.
 */
export interface RecordedStep {
  /** Stage's name, or its number as text. */
  readonly stage: string;
  readonly title: string;
  readonly key: LayerKey;
  /** The key record. */
  readonly record: string;
  /** The title of the step below; null on an image. */
  readonly parentTitle: string | null;
  /** The stage that it copies from, as people know it; null for any other step. */
  readonly sourceStage: string | null;
  readonly variables: Readonly<Record<string, string>>;
  readonly files: readonly RecordedFile[];
  /** The commit of each git repository that it reads. */
  readonly commits: Readonly<Record<string, string>>;
}

export interface RecordedFile {
  /** In the context. */
  readonly path: string;
  /** Of the content, kind and mode together; equal texts mean an equal file. */
  readonly digest: string;
}

/** The steps of a keyed plan, in its order. */
export function recordSteps(keyed: KeyedPlan): readonly RecordedStep[] {
  const names = new Map(keyed.stages.map(({ stage }) => [stage.index, stage.name ?? String(stage.index)]));
  const lastTitles = new Map<number, string | null>();
  const recorded: RecordedStep[] = [];
  for (const one of keyed.stages) {
    let parentTitle = titleBelow(one, lastTitles);
    for (const step of one.steps) {
      const stage = names.get(one.stage.index) ?? String(one.stage.index);
      recorded.push(recordStep(step, { stage, parentTitle, names }));
      parentTitle = step.step.title;
    }
    lastTitles.set(one.stage.index, parentTitle);
  }
  return recorded;
}

function titleBelow({ stage }: KeyedStage, lastTitles: ReadonlyMap<number, string | null>): string | null {
  return stage.base.kind === "stage" ? (lastTitles.get(stage.base.index) ?? null) : null;
}

interface Surroundings {
  readonly stage: string;
  readonly parentTitle: string | null;
  readonly names: ReadonlyMap<number, string>;
}

function recordStep(
  { step, key, record, operation }: KeyedStep,
  { stage, parentTitle, names }: Surroundings,
): RecordedStep {
  const source = step.definition.kind === "copy" ? step.definition.source : null;
  const sources = contextSourcesOf(operation);
  return {
    stage,
    title: step.title,
    key,
    record,
    parentTitle,
    sourceStage: source?.kind === "stage" ? (names.get(source.index) ?? null) : null,
    variables: step.variables,
    files: filesOf(sources),
    commits: Object.fromEntries(
      sources.flatMap(({ written, commit }) => (commit === undefined ? [] : [[written, commit]])),
    ),
  };
}

function filesOf(
  sources: readonly {
    readonly written: string;
    readonly entries: readonly ContextEntry[];
  }[],
): readonly RecordedFile[] {
  return sources.flatMap(({ written, entries }) =>
    entries.map((entry) => ({ path: joinPath(written, entry.path), digest: entryDigest(entry) })),
  );
}

function joinPath(written: string, path: string): string {
  if (path === "") return written;
  return written === "." ? path : `${written}/${path}`;
}

function entryDigest(entry: ContextEntry): string {
  if (entry.kind === "file") return `${entry.digest} ${entry.mode.toString(8)}`;
  return entry.kind === "directory" ? "directory" : `-> ${entry.target}`;
}
