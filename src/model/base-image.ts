import type { Sha256Digest } from "./identifiers.ts";
import type { SandboxConfiguration } from "./sandbox-configuration.ts";

/** An OCI image, known by digest, that a chain of layers can stand on. */
export interface BaseImage {
  /** As the Lightfile names it (tag, path, …), for display. */
  readonly reference: string;
  /** Digest of the image's manifest for this platform. */
  readonly digest: Sha256Digest;
  /** e.g. `linux/amd64` */
  readonly platform: string;
  readonly configuration: SandboxConfiguration;
}
