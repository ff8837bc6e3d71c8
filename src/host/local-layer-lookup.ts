import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type KnownLayer,
  type LayerLookup,
  recordDigest,
  snapshotFingerprint,
} from "../bake/layer-lookup.ts";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import type { LayerStore } from "../layers/layer-store.ts";
import { openLayerStore, storePaths } from "../layers/open-layer-store.ts";
import type { LayerKey } from "../model/identifiers.ts";

/** Reads this host's store itself, which is as quick as an index and never out of date. */
export function localLayerLookup(storeDirectory: string): LayerLookup {
  let opening: Promise<LayerStore | undefined> | undefined;
  const open = (): Promise<LayerStore | undefined> => {
    opening ??= openIfThere(storeDirectory);
    return opening;
  };
  return {
    async findLayers(keys) {
      const store = await open();
      const records = (await store?.find(keys)) ?? new Map<LayerKey, never>();
      const known = new Map<LayerKey, KnownLayer>();
      for (const [key, record] of records) {
        known.set(key, {
          key,
          recordDigest: recordDigest(record.keyRecord),
          sizeBytes: record.sizeBytes,
          durationMs: record.durationMs,
          outputValues: record.outputValues ?? {},
        });
      }
      return known;
    },
    async findSnapshot(name) {
      const store = await open();
      try {
        const snapshot = await store?.getSnapshot(name);
        return snapshot && { layer: snapshot.layer, fingerprint: snapshotFingerprint(snapshot) };
      } catch (error) {
        if (error instanceof Failure && error.code === "UnknownSnapshot") return undefined;
        throw error;
      }
    },
    evidence(keys) {
      const { identity, snapshots, layers } = storePaths(storeDirectory);
      return [
        // Another generation: something was removed.
        { kind: "replaced", path: identity },
        { kind: "content", path: snapshots },
        ...keys.map((key) => ({ kind: "content", path: join(layers, key) }) as const),
      ];
    },
  };
}

/** Looking makes no store: the first bake that runs a step does. */
async function openIfThere(storeDirectory: string): Promise<LayerStore | undefined> {
  try {
    await stat(storeDirectory);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  return await openLayerStore(storeDirectory);
}
