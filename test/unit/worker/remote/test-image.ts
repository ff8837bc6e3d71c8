import type { BaseImage } from "../../../../src/model/base-image.ts";
import { sha256Digest } from "../../../../src/model/identifiers.ts";
import { emptyConfiguration } from "../../../../src/model/sandbox-configuration.ts";

export const testImage: BaseImage = {
  reference: "base:1",
  digest: sha256Digest(`sha256:${"b".repeat(64)}`),
  platform: "linux/amd64",
  configuration: emptyConfiguration,
};
