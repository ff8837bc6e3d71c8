import { Buffer } from "node:buffer";
import { Failure } from "../../diagnostics/failure.ts";
import { type ContentDigest, contentDigest } from "../../model/identifiers.ts";

/*
 * Many contents in one stream: for each 16 bytes of digest, 8 bytes of size (unsigned, big-endian), then that
 * many bytes of content; the end of the stream is the end of the list.
 */

const digestBytes = 16;
const headerBytes = digestBytes + 8;

export function frameHeader(digest: ContentDigest, sizeBytes: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.write(digest, 0, "hex");
  header.writeBigUInt64BE(BigInt(sizeBytes), digestBytes);
  return header;
}

/** Takes the contents of a stream as they come; calls come strictly in the order start, write…, finish. */
export interface ContentSink {
  start(digest: ContentDigest, sizeBytes: number): void;
  write(chunk: Buffer): Promise<void>;
  finish(): void;
}

/**
 * Reads a stream of frames into a sink.
 * @throws Failure `ContentTruncated` when the stream ends within a frame
 */
export async function readFrames(source: AsyncIterable<Buffer>, sink: ContentSink): Promise<void> {
  let header = Buffer.alloc(0);
  /** Bytes of the current content still to come; null between contents. */
  let left: number | null = null;
  for await (const chunk of source) {
    let rest: Buffer = chunk;
    while (rest.length > 0) {
      if (left === null) {
        const taken = rest.subarray(0, headerBytes - header.length);
        header = Buffer.concat([header, taken]);
        rest = rest.subarray(taken.length);
        if (header.length < headerBytes) break;
        left = Number(header.readBigUInt64BE(digestBytes));
        sink.start(contentDigest(header.toString("hex", 0, digestBytes)), left);
        header = Buffer.alloc(0);
      } else {
        const content = rest.subarray(0, left);
        await sink.write(content);
        left -= content.length;
        rest = rest.subarray(content.length);
      }
      if (left === 0) {
        sink.finish();
        left = null;
      }
    }
  }
  if (left !== null || header.length > 0) {
    throw new Failure({
      code: "ContentTruncated",
      category: "environment",
      message: "the files sent to the worker ended too early",
      hint: "run the bake again",
    });
  }
}
