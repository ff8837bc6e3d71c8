import type { ContentDigest } from "../../model/identifiers.ts";
import { contextSourcesOf } from "../../model/step-operation.ts";
import type { LineageStep } from "../worker.ts";

/** The contents of context files that the steps need, with their sizes in bytes, each once, in order of need. */
export function requestedContents(steps: readonly LineageStep[]): Map<ContentDigest, number> {
  const contents = new Map<ContentDigest, number>();
  for (const { operation } of steps) {
    for (const { entries } of contextSourcesOf(operation)) {
      for (const entry of entries) {
        if (entry.kind === "file") contents.set(entry.digest, entry.sizeBytes);
      }
    }
  }
  return contents;
}
