import type { ContentDigest } from "../../model/identifiers.ts";

interface Lease {
  readonly digests: Set<ContentDigest>;
  lastUsedMs: number;
}

/**
 * Who wants which content. A client takes a lease when it asks what is missing and its lineage ends it, so that of
 * two lineages with a file in common the first does not take it away from the second.
 */
export class Leases {
  readonly #leases = new Map<string, Lease>();
  readonly #wanted = new Map<ContentDigest, number>();

  want(id: string, digests: readonly ContentDigest[], nowMs: number): void {
    const lease = this.#leases.get(id) ?? { digests: new Set(), lastUsedMs: nowMs };
    this.#leases.set(id, lease);
    lease.lastUsedMs = nowMs;
    for (const digest of digests) {
      if (lease.digests.has(digest)) continue;
      lease.digests.add(digest);
      this.#wanted.set(digest, (this.#wanted.get(digest) ?? 0) + 1);
    }
  }

  isWanted(digest: ContentDigest): boolean {
    return this.#wanted.has(digest);
  }

  end(id: string): void {
    const lease = this.#leases.get(id);
    this.#leases.delete(id);
    for (const digest of lease?.digests ?? []) {
      const others = (this.#wanted.get(digest) ?? 1) - 1;
      if (others === 0) this.#wanted.delete(digest);
      else this.#wanted.set(digest, others);
    }
  }

  /** Ends the leases of clients that never came back. */
  dropOld(oldestMs: number): void {
    for (const [id, lease] of [...this.#leases]) if (lease.lastUsedMs < oldestMs) this.end(id);
  }
}
