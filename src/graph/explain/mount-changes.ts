import type { ChangeReason } from "./change-reason.ts";
import type { ReadKeyRecord, ReadMount } from "./read-record.ts";

/** The mounts that came, went or show something else. */
export function mountChanges(
  { operation: old }: ReadKeyRecord,
  { operation: now }: ReadKeyRecord,
): readonly ChangeReason[] {
  if (old.kind !== "run" || now.kind !== "run") return [];
  const before = mountsByTarget(old.mounts);
  const after = mountsByTarget(now.mounts);
  const changes: ChangeReason[] = [];
  for (const [target, mount] of after) {
    const was = before.get(target);
    if (was === undefined) changes.push({ kind: "mount-added", target });
    else if (JSON.stringify(withoutContent(was)) !== JSON.stringify(withoutContent(mount))) {
      changes.push({ kind: "mount-changed", target });
    } else if (stageOf(was) !== stageOf(mount)) changes.push({ kind: "mounted-content-changed", target });
  }
  for (const target of before.keys()) {
    if (!after.has(target)) changes.push({ kind: "mount-removed", target });
  }
  return changes;
}

function mountsByTarget(mounts: readonly ReadMount[]): ReadonlyMap<string, ReadMount> {
  // A secret that is only a variable has no target.
  return new Map(mounts.map((mount) => [mount.target ?? `$${String(mount.environmentVariable)}`, mount]));
}

function withoutContent({ content, seed, ...rest }: ReadMount): unknown {
  return {
    ...rest,
    path: content !== undefined && "path" in content ? content.path : null,
    hasSeed: seed !== undefined,
  };
}

/** The layer or image that a mount shows; null for files of the context. */
function stageOf({ content, seed }: ReadMount): string | null {
  const shown = content ?? seed;
  if (shown === undefined || "selection" in shown) return null;
  return "layer" in shown ? shown.layer : shown.image;
}
