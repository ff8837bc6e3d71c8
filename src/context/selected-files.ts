import type { ContextEntry, ContextSource } from "../model/step-operation.ts";
import type { ContextTree } from "./context-tree.ts";
import { ContextTrouble, type Place, reportTrouble } from "./context-trouble.ts";
import type { SelectedNode, SelectedSource } from "./select-sources.ts";
import type { StatCache } from "./stat-cache.ts";
import type { FileNode } from "./tree-node.ts";

/** Files of one folder, which are hashed together. */
export interface HashedTree {
  readonly tree: ContextTree;
  readonly statCache: StatCache;
}

/** One source of a step, before its files are hashed. */
export type Selection =
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

export type SelectedFiles = Extract<Selection, { kind: "selected" }>;

/** What was found, before it is said how it is copied. */
export type Selected = Pick<SelectedFiles, "from" | "source" | "place"> & {
  readonly fileMode?: number;
  readonly commit?: string;
};

/** Files that are copied as they are. */
export function plainly(selected: Selected): SelectedFiles {
  return { kind: "selected", isArchive: false, fileMode: null, commit: null, ...selected };
}

/** The files to be hashed, of each tree. */
export function filesByTree(selected: readonly Selection[]): ReadonlyMap<HashedTree, readonly FileNode[]> {
  const files = new Map<HashedTree, FileNode[]>();
  for (const one of selected) {
    if (one.kind === "inline") continue;
    const known = files.get(one.from) ?? [];
    for (const { node } of one.source.nodes) if (node.kind === "file") known.push(node);
    files.set(one.from, known);
  }
  return files;
}

/** What was selected, as an operation names it, when its files have been hashed; trouble with those is told. */
export function toContextSource(selection: Selection): ContextSource {
  if (selection.kind === "inline") return selection.source;
  const { source, place, fileMode, commit } = selection;
  const entries: ContextEntry[] = [];
  for (const node of source.nodes) {
    const entry = toEntry(node, fileMode);
    if (entry instanceof ContextTrouble) reportTrouble(entry, place);
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
