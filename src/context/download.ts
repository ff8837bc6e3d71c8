import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { noSpaceLeft } from "../diagnostics/no-space-left.ts";
import { type Sha256Digest, sha256Digest } from "../model/identifiers.ts";
import { downloadFailed, downloadRefused, TransientAnswer, tooLarge } from "./download-failures.ts";
import { type DownloadNote, downloadsDirectoryOf, readDownloadNote } from "./download-notes.ts";
import { type HttpAnswer, sendGet } from "./http-get.ts";
import type { FetchedFile } from "./remote-content.ts";

export interface DownloadProgress {
  readonly url: string;
  readonly doneBytes: number;
  /** Null when the server does not say. */
  readonly totalBytes: number | null;
}

export interface DownloadsOptions {
  /** LIGHTBOX_HOME: files are kept in `downloads` below it. */
  readonly homeDirectory: string;
  /** Told at most ten times a second, and at the end. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Awaited once, before anything is sent: e.g. for proxies. */
  readonly beforeFirst?: () => Promise<void>;
  readonly retryDelayMs?: number;
  /** A transfer without a byte for this long has broken. */
  readonly silenceMs?: number;
  /** Larger files are refused. */
  readonly maximumBytes?: number;
}

const attempts = 4;
const progressIntervalMs = 100;
const defaultMaximumBytes = 64 * 1024 ** 3;

/**
 * Files of the web, each kept by its SHA-256. One whose checksum is known is fetched once and never asked for again;
 * any other is asked for by each bake, and sent again only when the server has another (ETag, Last-Modified).
 */
export class Downloads {
  readonly #options: DownloadsOptions;
  readonly #folder: string;
  readonly #running = new Map<string, Promise<FetchedFile>>();
  #ready: Promise<void> | undefined;

  constructor(options: DownloadsOptions) {
    this.#options = options;
    this.#folder = downloadsDirectoryOf(options.homeDirectory);
  }

  /**
   * The file behind an `http:` or `https:` address; with a checksum, that very file.
   *
   * @throws Failure `ChecksumMismatch`, `DownloadRefused` (the server has no such file, or does not give it),
   *   `DownloadFailed`, `DownloadTooLarge`, `NoSpaceLeft`; the signal's reason when aborted
   */
  async fetch(url: string, checksum: Sha256Digest | null, signal: AbortSignal): Promise<FetchedFile> {
    if (checksum !== null) {
      const path = this.#pathOf(checksum);
      if (await take(path)) return { path, sha256: checksum };
    }
    // Several steps may want the same file.
    const key = `${checksum} ${url}`;
    const running = this.#running.get(key) ?? this.#fetchAnew(url, checksum, signal);
    this.#running.set(key, running);
    return running;
  }

  async #fetchAnew(url: string, checksum: Sha256Digest | null, signal: AbortSignal): Promise<FetchedFile> {
    this.#ready ??= this.#options.beforeFirst?.() ?? Promise.resolve();
    await this.#ready;
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.#attempt(url, checksum, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof TransientAnswer)) throw noSpaceLeft(error, this.#folder);
        if (failures === attempts) throw downloadFailed(url, error);
        const waitMs = (this.#options.retryDelayMs ?? 500) * 2 ** (failures - 1);
        await delay(waitMs, undefined, { signal });
      }
    }
  }

  async #attempt(url: string, checksum: Sha256Digest | null, signal: AbortSignal): Promise<FetchedFile> {
    const known = checksum === null ? await this.#recall(url) : null;
    await using answer = await sendGet({
      url: new URL(url),
      headers: conditions(known),
      silenceMs: this.#options.silenceMs ?? 60_000,
      signal,
    });
    if (answer.status === 304 && known !== null)
      return { path: this.#pathOf(known.sha256), sha256: known.sha256 };
    if (answer.status !== 200) throw downloadRefused(url, answer.status);
    const sha256 = await this.#keep(url, answer, checksum);
    await this.#remember({
      version: 1,
      url,
      etag: answer.headers.get("etag"),
      lastModified: answer.headers.get("last-modified"),
      sha256,
    });
    return { path: this.#pathOf(sha256), sha256 };
  }

  /** Writes the body beside its place, and puts it there when it is whole and what it should be. */
  async #keep(url: string, answer: HttpAnswer, checksum: Sha256Digest | null): Promise<Sha256Digest> {
    const making = join(this.#folder, `.new-${randomUUID()}`);
    try {
      await mkdir(making, { recursive: true });
      const hash = createHash("sha256");
      const body = this.#measured(url, answer);
      const hashed = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of body) {
          hash.update(chunk);
          yield chunk;
        }
      };
      await pipeline(
        Readable.from(hashed(), { objectMode: false }),
        createWriteStream(join(making, fileName)),
      );
      const sha256 = sha256Digest(`sha256:${hash.digest("hex")}`);
      if (checksum !== null && sha256 !== checksum) throw checksumMismatch(url, checksum, sha256);
      await rename(making, join(this.#folder, sha256.slice("sha256:".length))).catch((error: unknown) => {
        // The same bytes are there already.
        if (!["ENOTEMPTY", "EEXIST"].includes(systemErrorCode(error) ?? "")) throw error;
      });
      return sha256;
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  }

  async *#measured(url: string, answer: HttpAnswer): AsyncGenerator<Uint8Array> {
    const { onProgress = () => {}, maximumBytes = defaultMaximumBytes } = this.#options;
    const length = Number(answer.headers.get("content-length") ?? Number.NaN);
    const totalBytes = Number.isSafeInteger(length) ? length : null;
    if (totalBytes !== null && totalBytes > maximumBytes) throw tooLarge(url, maximumBytes);
    let doneBytes = 0;
    let toldAt = Number.NEGATIVE_INFINITY;
    for await (const chunk of answer.chunks()) {
      doneBytes += chunk.length;
      if (doneBytes > maximumBytes) throw tooLarge(url, maximumBytes);
      yield chunk;
      const now = performance.now();
      if (now - toldAt < progressIntervalMs) continue;
      toldAt = now;
      onProgress({ url, doneBytes, totalBytes });
    }
    if (totalBytes !== null && doneBytes < totalBytes) {
      throw new TransientAnswer(`the transfer ended after ${doneBytes} of ${totalBytes} bytes`);
    }
    onProgress({ url, doneBytes, totalBytes });
  }

  #pathOf(sha256: Sha256Digest): string {
    return join(this.#folder, sha256.slice("sha256:".length), fileName);
  }

  #noteOf(url: string): string {
    return join(this.#folder, "urls", `${createHash("sha256").update(url).digest("hex").slice(0, 32)}.json`);
  }

  /** What the address gave last time, if that is still here. */
  async #recall(url: string): Promise<DownloadNote | null> {
    const note = await readDownloadNote(this.#noteOf(url));
    if (note === null || note.url !== url) return null;
    return (await take(this.#pathOf(note.sha256))) ? note : null;
  }

  async #remember(note: DownloadNote): Promise<void> {
    const { default: writeFileAtomic } = await import("write-file-atomic");
    const path = this.#noteOf(note.url);
    await mkdir(join(this.#folder, "urls"), { recursive: true });
    await writeFileAtomic(path, `${JSON.stringify(note)}\n`, { fsync: false });
  }
}

/** In a folder of its own, so that what is remembered of it can be kept by folder. */
const fileName = "content";

function conditions(known: DownloadNote | null): Readonly<Record<string, string>> {
  if (known === null) return {};
  return {
    ...(known.etag === null ? {} : { "if-none-match": known.etag }),
    ...(known.lastModified === null ? {} : { "if-modified-since": known.lastModified }),
  };
}

/** Whether the file is there; it then counts as used now, which keeps it from being pruned. */
async function take(path: string): Promise<boolean> {
  try {
    const now = new Date();
    await utimes(dirname(path), now, now);
    return (await stat(path)).isFile();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    // EACCES, EPERM, EROFS: a home that may only be read is not pruned.
    if (!["EACCES", "EPERM", "EROFS"].includes(systemErrorCode(error) ?? "")) throw error;
    return (await stat(path)).isFile();
  }
}

function checksumMismatch(url: string, wanted: Sha256Digest, got: Sha256Digest): Failure {
  return new Failure({
    code: "ChecksumMismatch",
    category: "usage",
    message: `${url} is not what its checksum says: it has ${got}, not ${wanted}`,
    hint: "see why it changed; when the new file is the right one, write its checksum",
  });
}
