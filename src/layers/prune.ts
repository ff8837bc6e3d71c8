import type { LayerKey } from "../model/identifiers.ts";

export interface PruneRequest {
  /** Remove the least recently used layers until at most this many bytes are left; null: no such limit. */
  readonly keepStorageBytes: number | null;
  /** Remove only what was last used longer ago than this; null: whatever its age. */
  readonly olderThanMs: number | null;
  readonly dryRun: boolean;
}

export interface PruneOutcome {
  readonly removed: readonly PrunedItem[];
  /** Bytes of what was removed, leftovers of dead processes included. */
  readonly freedBytes: number;
  /** Bytes of the layers and debug disks that are left. */
  readonly keptBytes: number;
}

export interface PrunedItem {
  readonly kind: "layer" | "debug";
  readonly key: LayerKey;
  readonly title: string;
  readonly sizeBytes: number;
}

/** What the decision has to know of a layer. */
export interface PruneCandidate extends PrunedItem {
  /** The layer below; null on the blank disk, and where the record cannot be read. */
  readonly parent: LayerKey | null;
  readonly lastUsedMs: number;
  /** False: it cannot be used by anything (unreadable, or its parent is missing), so it goes first. */
  readonly usable: boolean;
}

export interface PruneInput<Item extends PruneCandidate> {
  readonly items: readonly Item[];
  /** Layers that snapshots (previous ones too), running sandboxes and bakes stand on. */
  readonly needed: Iterable<LayerKey>;
  /** Debug disks that running sandboxes stand on. */
  readonly neededDebug: Iterable<LayerKey>;
  readonly keepStorageBytes: number | null;
  readonly olderThanMs: number | null;
  readonly nowMs: number;
}

export interface PruneDecision<Item extends PruneCandidate> {
  /** In the order to remove them: children before parents. */
  readonly remove: readonly Item[];
  readonly keptBytes: number;
}

/**
 * Decides what to remove: never what a snapshot, a hold or a kept disk needs. First what nothing can use,
 * then the disks of failed steps, then layers, each from the longest unused on.
 *
 * A layer counts as used when something above it was, so a parent never goes before its children.
 */
export function decidePrune<Item extends PruneCandidate>(input: PruneInput<Item>): PruneDecision<Item> {
  const layers = new Map<LayerKey, PruneCandidate>();
  for (const item of input.items) if (item.kind === "layer") layers.set(item.key, item);
  const depths = layerDepths(layers);
  const lastUsedMs = effectiveUse(input.items, layers);
  const neededDebug = new Set(input.neededDebug);
  const needed = withParents(input.needed, layers);
  for (const item of input.items) {
    if (item.kind === "debug" && neededDebug.has(item.key) && item.parent !== null) {
      for (const key of withParents([item.parent], layers)) needed.add(key);
    }
  }

  const used = (item: PruneCandidate): number => lastUsedMs.get(item) ?? item.lastUsedMs;
  const depth = (item: PruneCandidate): number =>
    item.kind === "layer" ? (depths.get(item.key) ?? 0) : 1 + (depths.get(item.parent ?? item.key) ?? 0);
  const order = [...input.items].sort(
    (left, right) =>
      removalClass(left) - removalClass(right) || used(left) - used(right) || depth(right) - depth(left),
  );

  let keptBytes = input.items.reduce((sum, item) => sum + item.sizeBytes, 0);
  const pinned = new Set(needed);
  const remove: Item[] = [];
  for (const item of order) {
    const isNeeded = item.kind === "debug" ? neededDebug.has(item.key) : pinned.has(item.key);
    const fits = input.keepStorageBytes !== null && keptBytes <= input.keepStorageBytes;
    const isRecent = input.olderThanMs !== null && input.nowMs - used(item) <= input.olderThanMs;
    if (isNeeded || (item.usable && (fits || isRecent))) {
      // What stays keeps everything below it.
      if (item.parent !== null) for (const key of withParents([item.parent], layers)) pinned.add(key);
      continue;
    }
    remove.push(item);
    keptBytes -= item.sizeBytes;
  }
  return { remove, keptBytes };
}

function removalClass(item: PruneCandidate): number {
  if (!item.usable) return 0;
  return item.kind === "debug" ? 1 : 2;
}

function withParents(keys: Iterable<LayerKey>, layers: ReadonlyMap<LayerKey, PruneCandidate>): Set<LayerKey> {
  const found = new Set<LayerKey>();
  for (const start of keys) {
    let key: LayerKey | null = start;
    while (key !== null && !found.has(key)) {
      found.add(key);
      key = layers.get(key)?.parent ?? null;
    }
  }
  return found;
}

function effectiveUse(
  items: readonly PruneCandidate[],
  layers: ReadonlyMap<LayerKey, PruneCandidate>,
): Map<PruneCandidate, number> {
  const use = new Map<PruneCandidate, number>();
  for (const item of items) {
    const seen = new Set<PruneCandidate>();
    let below: PruneCandidate | undefined = item;
    while (below !== undefined && !seen.has(below)) {
      seen.add(below);
      // Whoever is below a more recent use was marked by it already.
      if (below !== item && (use.get(below) ?? below.lastUsedMs) >= item.lastUsedMs) break;
      use.set(below, Math.max(use.get(below) ?? below.lastUsedMs, item.lastUsedMs));
      below = below.parent === null ? undefined : layers.get(below.parent);
    }
  }
  return use;
}

function layerDepths(layers: ReadonlyMap<LayerKey, PruneCandidate>): Map<LayerKey, number> {
  const depths = new Map<LayerKey, number>();
  for (const start of layers.keys()) {
    const path: LayerKey[] = [];
    let key: LayerKey | null = start;
    while (key !== null && !depths.has(key) && !path.includes(key)) {
      path.push(key);
      key = layers.get(key)?.parent ?? null;
    }
    let depth = key === null ? 0 : (depths.get(key) ?? 0);
    for (const member of path.reverse()) depths.set(member, ++depth);
  }
  return depths;
}
