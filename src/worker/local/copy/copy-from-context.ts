import type { ContextEntry, ContextSource } from "../../../model/step-operation.ts";
import type { LineageClient } from "../../worker.ts";
import { rootOwner } from "../guest/users.ts";
import type { CopyEntry, CopyTree } from "./copy-tree.ts";

export function contextTrees(sources: readonly ContextSource[], client: LineageClient): readonly CopyTree[] {
  return sources.map(({ written, kind, name, entries }) => ({
    written,
    kind: kind === "directory" ? "directory" : "file",
    name,
    entries: entries.map((entry) => contextEntry(entry, client)),
  }));
}

/** Smaller ones are held whole. */
const smallContentBytes = 256 * 1024;

/** From the context everything arrives as root's, whatever the host says. */
function contextEntry(entry: ContextEntry, client: LineageClient): CopyEntry {
  const common = { path: entry.path, owner: rootOwner, modifiedSeconds: null };
  switch (entry.kind) {
    case "directory":
      return { kind: "directory", ...common, mode: entry.mode, isImplied: entry.isImplied === true };
    case "symlink":
      return { kind: "symlink", ...common, target: entry.target };
    case "file": {
      const { mode, sizeBytes, digest } = entry;
      const open = async () => {
        const isSmall = sizeBytes <= smallContentBytes;
        const content = isSmall ? await client.readContent?.(digest) : undefined;
        return content === undefined ? client.openContent(digest) : [content];
      };
      return { kind: "file", ...common, mode, sizeBytes, open };
    }
  }
}
