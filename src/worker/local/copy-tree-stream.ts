import type { CopyEntry, CopyTree } from "./copy-tree.ts";
import { contentChanged } from "./copy-writer.ts";
import { StepRefused } from "./step-refused.ts";
import { type TreeEntry, treeEnd, treeHeader } from "./tree-stream.ts";

/**
 * A tree as one stream, for a directory that nothing else is in.
 * @param name of a file, which is the only thing in it
 * @throws through the stream: Failure `ContextChanged`, and what opening a file throws
 */
export async function* copyTreeStream(
  tree: CopyTree,
  name: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const entry of tree.entries) {
    const path = tree.kind === "file" ? name : entry.path;
    yield headerOf({ ...streamed(entry), path });
    if (entry.kind !== "file") continue;
    let sizeBytes = 0;
    for await (const chunk of await entry.open()) {
      sizeBytes += chunk.length;
      if (sizeBytes > entry.sizeBytes) break;
      yield chunk;
    }
    if (sizeBytes !== entry.sizeBytes) throw contentChanged(path, entry.sizeBytes, sizeBytes);
  }
  // Last, and the innermost first, because what is written into a directory changes its time.
  for (const entry of tree.entries.toReversed()) {
    if (entry.kind === "directory" && entry.modifiedSeconds !== null) {
      yield headerOf({ ...streamed(entry), kind: "directory-end" });
    }
  }
  yield treeEnd;
}

function streamed(entry: CopyEntry): TreeEntry {
  const { kind, path, owner, modifiedSeconds } = entry;
  return {
    kind,
    path,
    link: entry.kind === "symlink" ? entry.target : "",
    mode: entry.kind === "symlink" ? 0o777 : entry.mode,
    owner,
    sizeBytes: entry.kind === "file" ? entry.sizeBytes : 0,
    modifiedMs: modifiedSeconds === null ? null : modifiedSeconds * 1000,
  };
}

function headerOf(entry: TreeEntry): Buffer {
  const header = treeHeader(entry);
  if (header !== undefined) return header;
  throw new StepRefused(
    "GuestFileRefused",
    `${entry.path.slice(0, 60)}…: the path, or where it leads, is too long`,
    "shorten it: the guest takes 4096 bytes",
  );
}
