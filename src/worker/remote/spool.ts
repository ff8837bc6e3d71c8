import type { Buffer } from "node:buffer";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Failure } from "../../diagnostics/failure.ts";
import type { ContentDigest } from "../../model/identifiers.ts";
import { type ContentSink, readFrames } from "./content-frames.ts";
import { Leases } from "./leases.ts";
import type { ContentHasher } from "./protocol.ts";
import { makeSpoolFolder, removeSpoolFolder } from "./spool-folder.ts";
import { SpoolPack } from "./spool-pack.ts";

export interface SpoolOptions {
  /** Each spool makes a folder of its own in it and removes those of servers that are gone. */
  readonly folder: string;
  readonly createHasher: () => ContentHasher;
  readonly limitBytes: number;
  /** A content or a lease that nobody used or asked for is dropped after this long. */
  readonly maxAgeMs: number;
  /** Milliseconds of any steady clock. */
  readonly now: () => number;
}

interface Upload {
  readonly pack: SpoolPack;
  sizeBytes: number;
  /** Contents that the index still names. */
  live: number;
}

interface Arrived {
  readonly digest: ContentDigest;
  readonly offset: number;
  readonly sizeBytes: number;
}

interface Content {
  readonly upload: Upload;
  readonly offset: number;
  readonly sizeBytes: number;
  pins: number;
  lastAskedForMs: number;
}

/** The contents that a lineage needs, kept until it is released. */
export interface PinnedContents {
  open(digest: ContentDigest): Promise<Readable>;
  /** All of it at once. */
  read(digest: ContentDigest): Promise<Buffer>;
  /** `used`: those that no other lease wants are dropped at once; otherwise they stay for a while. */
  release(options: { readonly used: boolean }): Promise<void>;
}

/**
 * Contents of context files between their upload and the lineage that needs them. A content is in the index only
 * after all of its bytes have arrived and have the right digest.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #folder: string;
  readonly #leases = new Leases();
  readonly #contents = new Map<ContentDigest, Content>();
  #packNumber = 0;
  #totalBytes = 0;

  private constructor(options: SpoolOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  static async open(options: SpoolOptions): Promise<Spool> {
    return new Spool(options, await makeSpoolFolder(options.folder));
  }

  /** Those that have to be sent. The lease wants all of them until its lineage has used them. */
  missing(digests: readonly ContentDigest[], lease: string): ContentDigest[] {
    const now = this.#options.now();
    this.#leases.want(lease, digests, now);
    return digests.filter((digest) => {
      const content = this.#contents.get(digest);
      if (content !== undefined) content.lastAskedForMs = now;
      return content === undefined;
    });
  }

  /**
   * Takes a stream of frames (see content-frames.ts). What was complete and right before trouble is kept.
   * @throws Failure `ContentMismatch`, `ContentTruncated`, `SpoolFull`, `NoSpaceLeft`
   */
  async receiveBundle(source: AsyncIterable<Buffer>): Promise<void> {
    await this.#receive((sink) => readFrames(source, sink));
  }

  /** As {@link receiveBundle}, for one content of unknown size. */
  async receiveOne(digest: ContentDigest, source: AsyncIterable<Buffer>): Promise<void> {
    await this.#receive(async (sink) => {
      sink.start(digest, 0);
      for await (const chunk of source) await sink.write(chunk);
      sink.finish();
    });
  }

  /**
   * Keeps the contents for a lineage.
   * @throws Failure `ContentMissing`
   */
  pin(digests: readonly ContentDigest[], lease: string): PinnedContents {
    const pinned = new Map<ContentDigest, Content>();
    for (const digest of digests) {
      const content = this.#contents.get(digest);
      if (content === undefined) throw contentMissing(digest);
      pinned.set(digest, content);
    }
    for (const content of pinned.values()) content.pins += 1;
    const find = (digest: ContentDigest): Content => {
      const content = pinned.get(digest);
      if (content === undefined) throw contentMissing(digest);
      return content;
    };
    return {
      open: async (digest) => {
        const { upload, offset, sizeBytes } = find(digest);
        return await upload.pack.open(offset, sizeBytes);
      },
      read: async (digest) => {
        const { upload, offset, sizeBytes } = find(digest);
        return await upload.pack.read(offset, sizeBytes);
      },
      release: async ({ used }) => {
        const entries = [...pinned];
        pinned.clear();
        this.#leases.end(lease);
        for (const [digest, content] of entries) {
          content.pins -= 1;
          content.lastAskedForMs = this.#options.now();
          if (used && content.pins === 0 && !this.#leases.isWanted(digest)) await this.#drop(digest, content);
        }
      },
    };
  }

  async dropOld(): Promise<void> {
    const oldest = this.#options.now() - this.#options.maxAgeMs;
    this.#leases.dropOld(oldest);
    for (const [digest, content] of [...this.#contents]) {
      const isInUse = content.pins > 0 || this.#leases.isWanted(digest);
      if (!isInUse && content.lastAskedForMs < oldest) await this.#drop(digest, content);
    }
  }

  async close(): Promise<void> {
    for (const [digest, content] of [...this.#contents]) await this.#drop(digest, content);
    await removeSpoolFolder(this.#folder);
  }

  async #receive(fill: (sink: ContentSink) => Promise<void>): Promise<void> {
    this.#packNumber += 1;
    const pack = await SpoolPack.create(join(this.#folder, `${this.#packNumber}.pack`));
    const upload: Upload = { pack, live: 0, sizeBytes: 0 };
    const arrived: Arrived[] = [];
    try {
      await fill(this.#sinkInto(upload, arrived));
    } finally {
      await this.#settle(upload, arrived);
    }
  }

  async #settle(upload: Upload, arrived: readonly Arrived[]): Promise<void> {
    try {
      await upload.pack.flush();
      for (const { digest, offset, sizeBytes } of arrived) {
        if (this.#contents.has(digest)) continue;
        const lastAskedForMs = this.#options.now();
        this.#contents.set(digest, { upload, offset, sizeBytes, pins: 0, lastAskedForMs });
        upload.live += 1;
      }
    } finally {
      if (upload.live === 0) await this.#remove(upload);
    }
  }

  #sinkInto(upload: Upload, arrived: Arrived[]): ContentSink {
    let current: { digest: ContentDigest; offset: number; hasher: ContentHasher } | undefined;
    return {
      start: (digest, sizeBytes) => {
        this.#checkSpace(sizeBytes);
        current = { digest, offset: upload.sizeBytes, hasher: this.#options.createHasher() };
      },
      write: async (chunk) => {
        this.#checkSpace(chunk.length);
        upload.sizeBytes += chunk.length;
        this.#totalBytes += chunk.length;
        current?.hasher.update(chunk);
        await upload.pack.append(chunk);
      },
      finish: () => {
        if (current === undefined) return;
        const { digest, offset, hasher } = current;
        const actual = hasher.digest();
        if (actual !== digest) throw contentMismatch(digest, actual);
        arrived.push({ digest, offset, sizeBytes: upload.sizeBytes - offset });
      },
    };
  }

  #checkSpace(sizeBytes: number): void {
    if (this.#totalBytes + sizeBytes <= this.#options.limitBytes) return;
    throw new Failure({
      code: "SpoolFull",
      category: "environment",
      message: `the worker keeps at most ${this.#options.limitBytes} bytes of files that wait for a step`,
      hint: "send less: exclude files in .lightignore, or run one bake after the other",
    });
  }

  async #drop(digest: ContentDigest, content: Content): Promise<void> {
    if (this.#contents.get(digest) !== content) return;
    this.#contents.delete(digest);
    content.upload.live -= 1;
    if (content.upload.live === 0) await this.#remove(content.upload);
  }

  async #remove(upload: Upload): Promise<void> {
    this.#totalBytes -= upload.sizeBytes;
    await upload.pack.remove();
  }
}

function contentMissing(digest: ContentDigest): Failure {
  return new Failure({
    code: "ContentMissing",
    category: "environment",
    message: `the worker does not have the file content ${digest} that a step needs`,
    hint: "run the bake again",
  });
}

function contentMismatch(digest: ContentDigest, actual: string): Failure {
  return new Failure({
    code: "ContentMismatch",
    category: "environment",
    message: `the file content sent as ${digest} has the digest ${actual}`,
    hint: "the file may have changed while it was read: run the bake again",
  });
}
