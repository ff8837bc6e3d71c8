import { Failure } from "../../diagnostics/failure.ts";
import type { LayerStore } from "../../layers/layer-store.ts";
import type { SnapshotDocument } from "../../layers/snapshot-document.ts";
import type { LayerKey } from "../../model/identifiers.ts";
import type { PublishRequest, SnapshotDescription, SnapshotInspection } from "../worker.ts";

/** See `Worker.publishSnapshot`. */
export async function publishSnapshot(
  store: LayerStore,
  { name, ...content }: PublishRequest,
): Promise<SnapshotDescription> {
  return describe(store, await store.publishSnapshot(name, content));
}

/** See `Worker.listSnapshots`. */
export async function listSnapshots(store: LayerStore): Promise<readonly SnapshotDescription[]> {
  return Promise.all((await store.listSnapshots()).map((document) => describe(store, document)));
}

/** See `Worker.inspectSnapshot`. */
export async function inspectSnapshot(store: LayerStore, name: string): Promise<SnapshotInspection> {
  const document = await store.getSnapshot(name);
  const { image, diskSizeMib, configuration, history } = document;
  return { ...(await describe(store, document)), image, diskSizeMib, configuration, history };
}

async function describe(store: LayerStore, document: SnapshotDocument): Promise<SnapshotDescription> {
  const { name, layer, image, createdAt } = document;
  return {
    name,
    layer,
    imageReference: image.reference,
    imageDigest: image.digest,
    createdAt,
    sizeBytes: await sizeOf(store, layer),
  };
}

/** 0 for a chain that is damaged, so that one such snapshot does not hide the others. */
async function sizeOf(store: LayerStore, layer: LayerKey | null): Promise<number> {
  try {
    return await store.chainSizeBytes(layer);
  } catch (error) {
    if (error instanceof Failure && error.code === "UnknownLayer") return 0;
    throw error;
  }
}
