import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { type Compression, compressionOf, decompress } from "../archives/compression.ts";
import { isTarHeader, tarBlockBytes } from "../archives/tar-header.ts";

/**
 * Whether a file is a tar archive, plain or compressed, told by its content and not by its name. A compressed file
 * that holds something else than a tar is none.
 */
export async function isArchive(hostPath: string): Promise<boolean> {
  const head = await headOf(hostPath);
  const compression = compressionOf(head);
  if (compression === null) return isTarHeader(head);
  return isTarHeader(await firstBlock(createReadStream(hostPath), compression));
}

async function headOf(hostPath: string): Promise<Uint8Array> {
  const handle = await open(hostPath);
  try {
    const head = Buffer.alloc(tarBlockBytes);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** As much of the first block as there is: what is damaged begins with nothing. */
async function firstBlock(stream: Readable, compression: Compression): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const plain = await decompress(stream, compression);
  try {
    for await (const chunk of plain) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= tarBlockBytes) break;
    }
  } catch (error) {
    // The system's errors are about the file; all others are about what is in it.
    if (error instanceof Error && "syscall" in error) throw error;
    return new Uint8Array();
  } finally {
    stream.destroy();
  }
  return Buffer.concat(chunks).subarray(0, tarBlockBytes);
}
