/**
 * What both ends of the worker protocol must agree on besides the JSON schemas; docs/worker-protocol.md
 * describes the whole.
 */

/** For what one end sends and the other does not understand. */
export const sameVersionHint = "client and worker should be of the same version of lightbox";

export const protocolHeader = "lightbox-protocol";
export const versionHeader = "lightbox-version";
/** Random, chosen by the client; with it a second request can keep alive or abort a running call. */
export const callHeader = "lightbox-call";

/** How often each end of a running call tells the other that it is still there. */
export const beatIntervalMs = 5_000;
/** Without a sign of life for this long, the other end is taken for dead. */
export const silenceLimitMs = 60_000;

/** A context of 100,000 files makes a lineage request of about 15 MiB. */
export const jsonLimitBytes = 256 * 1024 * 1024;

/** Contents up to this size travel together in one request; larger ones each in their own. */
export const bundledContentLimitBytes = 4 * 1024 * 1024;

export const ndjsonType = "application/x-ndjson";
export const jsonType = "application/json";
export const bytesType = "application/octet-stream";

/** Takes bytes and names them as the client does; given to the server by whoever starts it. */
export interface ContentHasher {
  update(chunk: Uint8Array): void;
  /** 32 lower-case hex digits. */
  digest(): string;
}
