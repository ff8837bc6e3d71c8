import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";
import * as v from "valibot";
import { Failure } from "../../diagnostics/failure.ts";
import type { ContentDigest } from "../../model/identifiers.ts";
import type { LineageClient } from "../worker.ts";
import type { Connection } from "./connection.ts";
import { frameHeader } from "./content-frames.ts";
import { callForJson } from "./json-call.ts";
import { bundledContentLimitBytes, bytesType } from "./protocol.ts";
import { contentDigestSchema } from "./schemas.ts";

/** Small files that are opened and read ahead of the one that is being sent. */
const readAheadFiles = 16;
const bundleChunkBytes = 256 * 1024;
const during = "files of the build context were sent";

export interface Upload {
  /** Names this client's interest in the contents until its lineage ends. */
  readonly lease: string;
  readonly contents: ReadonlyMap<ContentDigest, number>;
  readonly open: OpenContent;
}

interface Content {
  readonly digest: ContentDigest;
  readonly sizeBytes: number;
}

type OpenContent = LineageClient["openContent"];

/**
 * Brings the contents that the worker does not have to it: one question, one request for all small contents, and
 * one for each large one, so that a lost connection does not lose them all.
 * @throws Failure `ContextChanged`, and the worker's
 */
export async function uploadContents(
  connection: Connection,
  { lease, contents, open }: Upload,
  signal: AbortSignal,
): Promise<void> {
  if (contents.size === 0) return;
  const missing = await callForJson(
    connection,
    {
      method: "POST",
      path: "/blobs/missing",
      json: { lease, digests: [...contents.keys()] },
      result: v.array(contentDigestSchema),
      during,
      isRepeatable: true,
    },
    signal,
  );
  const wanted = missing.map((digest) => ({ digest, sizeBytes: contents.get(digest) ?? 0 }));
  const small = wanted.filter(({ sizeBytes }) => sizeBytes <= bundledContentLimitBytes);
  const send = (method: "POST" | "PUT", path: string, body: AsyncIterable<Uint8Array>) =>
    callForJson(
      connection,
      { method, path, body, contentType: bytesType, result: v.null(), during, onAbort: "drop" },
      signal,
    );
  if (small.length > 0) await send("POST", "/blobs", bundle(small, open));
  for (const content of wanted) {
    if (content.sizeBytes <= bundledContentLimitBytes) continue;
    await send("PUT", `/blobs/${content.digest}`, checked(content, await open(content.digest)));
  }
}

/** All contents as one stream of frames, in chunks that are worth a write each. */
async function* bundle(contents: readonly Content[], open: OpenContent): AsyncGenerator<Uint8Array> {
  let chunk: Buffer[] = [];
  let chunkBytes = 0;
  for await (const { content, bytes } of readAhead(contents, open)) {
    chunk.push(frameHeader(content.digest, bytes.length), bytes);
    chunkBytes += bytes.length;
    if (chunkBytes < bundleChunkBytes) continue;
    yield Buffer.concat(chunk);
    chunk = [];
    chunkBytes = 0;
  }
  if (chunk.length > 0) yield Buffer.concat(chunk);
}

async function* readAhead(
  contents: readonly Content[],
  open: OpenContent,
): AsyncGenerator<{ readonly content: Content; readonly bytes: Buffer }> {
  const reading: Promise<{ readonly content: Content; readonly bytes: Buffer }>[] = [];
  const start = async (content: Content) => ({ content, bytes: await readWhole(content, open) });
  let next = 0;
  for (;;) {
    while (reading.length < readAheadFiles && next < contents.length) {
      const content = contents[next];
      next += 1;
      if (content === undefined) break;
      const read = start(content);
      // Awaited in its turn; until then a rejection is not unhandled.
      read.catch(() => {});
      reading.push(read);
    }
    const first = reading.shift();
    if (first === undefined) return;
    yield await first;
  }
}

async function readWhole(content: Content, open: OpenContent): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of checked(content, await open(content.digest))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The stream's bytes, as long as they are as many as the plan says. */
async function* checked(content: Content, stream: Readable): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.length;
    // Read on to the end of a file that has grown: the stream's own error names its path.
    if (sizeBytes <= content.sizeBytes) yield Buffer.from(chunk);
  }
  if (sizeBytes === content.sizeBytes) return;
  throw new Failure({
    code: "ContextChanged",
    category: "usage",
    message: `a file of the build context changed its size while it was read (${content.digest})`,
    hint: "run the bake again when nothing writes to the context",
  });
}
