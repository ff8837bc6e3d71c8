import type { SealRequest, SnapshotContent } from "../../src/layers/layer-store.ts";
import { type LayerKey, layerKey, sha256Digest } from "../../src/model/identifiers.ts";
import { emptyConfiguration } from "../../src/model/sandbox-configuration.ts";

/** A layer key that is easy to tell from others. */
export function keyNumber(number: number): LayerKey {
  return layerKey(number.toString(16).padStart(32, "0"));
}

export const testImageDigest = sha256Digest(`sha256:${"a".repeat(64)}`);

/** What a worker knows of the step with that number when it seals its layer. */
export function sealRequest(number: number, coveredKeys: readonly LayerKey[] = []): SealRequest {
  return {
    key: keyNumber(number),
    imageDigest: testImageDigest,
    keyRecord: `record of step ${number}`,
    title: `RUN step ${number}`,
    coveredKeys,
    durationMs: 10 * number,
  };
}

export function snapshotOf(layer: LayerKey | null, diskSizeMib: number): SnapshotContent {
  return {
    layer,
    image: {
      reference: "debian:12",
      digest: testImageDigest,
      platform: "linux/amd64",
      configuration: emptyConfiguration,
    },
    diskSizeMib,
    configuration: { ...emptyConfiguration, command: ["/bin/sh"] },
    history: [{ title: "RUN step", layer }],
  };
}
