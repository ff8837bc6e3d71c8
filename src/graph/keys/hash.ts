import xxhash, { type XXHashAPI } from "xxhash-wasm";
import { type ContentDigest, contentDigest } from "../../model/identifiers.ts";

/** Arbitrary and fixed: a change of either changes every key and digest. */
const firstSeed = 0n;
const secondSeed = 0x6c69_6768_7462_6f78n;

/**
 * The hash behind layer keys and content digests: XXH64 with two seeds, 128 bits. It is fast and finds
 * accidents, not forgeries: what crosses a trust boundary is checked by SHA-256, and a hit compares records.
 */
export interface Hasher {
  /** 32 lower-case hex digits. */
  hashText(text: string): string;
  hashBytes(bytes: Uint8Array): ContentDigest;
  /** For content that does not fit into memory. */
  start(): StreamingHash;
}

export interface StreamingHash {
  update(bytes: Uint8Array): void;
  /** Call once, at the end. */
  digest(): ContentDigest;
}

let loading: Promise<Hasher> | undefined;

/** The hasher, loaded once per process. */
export function loadHasher(): Promise<Hasher> {
  loading ??= xxhash().then(createHasher);
  return loading;
}

function createHasher(api: XXHashAPI): Hasher {
  const encoder = new TextEncoder();
  const hash = (bytes: Uint8Array): string =>
    hex128(api.h64Raw(bytes, firstSeed), api.h64Raw(bytes, secondSeed));
  return {
    hashText: (text) => hash(encoder.encode(text)),
    hashBytes: (bytes) => contentDigest(hash(bytes)),
    start() {
      const first = api.create64(firstSeed);
      const second = api.create64(secondSeed);
      return {
        update(bytes) {
          first.update(bytes);
          second.update(bytes);
        },
        digest: () => contentDigest(hex128(first.digest(), second.digest())),
      };
    },
  };
}

function hex128(first: bigint, second: bigint): string {
  return first.toString(16).padStart(16, "0") + second.toString(16).padStart(16, "0");
}
