import type { LayerRecord } from "../../../layers/layer-record.ts";
import type { LayerSummary } from "../../worker.ts";

export function layerSummary(layer: LayerRecord): LayerSummary {
  return {
    key: layer.key,
    record: layer.keyRecord,
    outputValues: layer.outputValues ?? {},
    sizeBytes: layer.sizeBytes,
    sealedAt: layer.sealedAt,
    durationMs: layer.durationMs,
  };
}
