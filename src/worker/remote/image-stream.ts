import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { Failure } from "../../diagnostics/failure.ts";
import type { BaseImage } from "../../model/base-image.ts";
import { parseJson } from "./exchange.ts";
import { sameVersionHint } from "./protocol.ts";
import { baseImageSchema } from "./schemas.ts";

/*
 * An image on its way to a worker: 4 bytes of length (unsigned, big-endian), that many bytes of JSON (the image's
 * name, digest and configuration: too large for a header), then the tar stream of the OCI layout.
 */

const lengthBytes = 4;
const descriptionLimitBytes = 4 * 1024 * 1024;

export async function* writeImageStream(image: BaseImage, layout: Readable): AsyncGenerator<Uint8Array> {
  const description = Buffer.from(JSON.stringify(image));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(description.length);
  yield Buffer.concat([length, description]);
  yield* layout;
}

/** @throws Failure `MalformedRequest` when the first frame is not an image's description */
export async function readImageStream(
  body: AsyncGenerator<Buffer>,
): Promise<{ readonly image: BaseImage; readonly layout: Readable }> {
  let head = Buffer.alloc(0);
  const readTo = async (sizeBytes: number): Promise<void> => {
    while (head.length < sizeBytes) {
      const next = await body.next();
      if (next.done === true) throw malformedImage("it ends within the image's description");
      head = Buffer.concat([head, next.value]);
    }
  };
  await readTo(lengthBytes);
  const descriptionBytes = head.readUInt32BE();
  if (descriptionBytes > descriptionLimitBytes) throw malformedImage("the image's description is too long");
  await readTo(lengthBytes + descriptionBytes);
  const end = lengthBytes + descriptionBytes;
  const image = parseJson(head.toString("utf8", lengthBytes, end), baseImageSchema);
  const rest = head.subarray(end);
  return { image, layout: Readable.from(layoutChunks(rest, body), { objectMode: false }) };
}

async function* layoutChunks(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  yield* rest;
}

function malformedImage(detail: string): Failure {
  return new Failure({
    code: "MalformedRequest",
    category: "internal",
    message: `the worker cannot read the image sent to it: ${detail}`,
    hint: sameVersionHint,
  });
}
