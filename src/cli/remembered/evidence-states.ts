import { lstatSync, statSync } from "node:fs";
import { fileFacts } from "../../context/file-facts.ts";
import type { EntryFacts, Evidence } from "../../model/evidence.ts";

/** How a path is looked at; see `Evidence`. */
export type EvidenceKind = Evidence["kind"];

/** How many numbers make a state. */
export const numbersPerState = 5;

/** A path as it is now; undefined where it cannot be looked at, or should be there and is not. */
export function stateOf(kind: EvidenceKind, path: string): EntryFacts | undefined {
  try {
    const look = kind === "entry" || kind === "absent" ? lstatSync : statSync;
    const stats = look(path, { throwIfNoEntry: false });
    if (kind === "absent") return stats === undefined ? nothing : undefined;
    if (stats === undefined) return undefined;
    return kind === "place" ? { ...nothing, inode: stats.ino, mode: stats.mode } : fileFacts(stats);
  } catch {
    // Whatever keeps it from being looked at: nothing is known of it then, and nothing is believed.
    return undefined;
  }
}

const nothing: EntryFacts = { sizeBytes: 0, mtimeMs: 0, ctimeMs: 0, inode: 0, mode: 0 };

export function writeState(states: Float64Array, position: number, facts: EntryFacts): void {
  const { sizeBytes, mtimeMs, ctimeMs, inode, mode } = facts;
  states.set([sizeBytes, mtimeMs, ctimeMs, inode, mode], position * numbersPerState);
}

export function isState(states: Float64Array, position: number, facts: EntryFacts): boolean {
  const start = position * numbersPerState;
  return (
    states[start] === facts.sizeBytes &&
    states[start + 1] === facts.mtimeMs &&
    states[start + 2] === facts.ctimeMs &&
    states[start + 3] === facts.inode &&
    states[start + 4] === facts.mode
  );
}
