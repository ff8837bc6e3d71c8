import { Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import { Failure } from "../diagnostics/failure.ts";

export type Compression = "gzip" | "bzip2" | "xz" | "zstd";

/** What each begins with, in hex. */
const magics: readonly (readonly [Compression, string])[] = [
  ["gzip", "1f8b08"],
  ["bzip2", "425a68"],
  ["xz", "fd377a585a00"],
  ["zstd", "28b52ffd"],
];

/** Enough of a file to know its compression. */
export const magicBytes = 6;

/** How a file that begins with these bytes is compressed; null: it is not, as far as can be told. */
export function compressionOf(head: Uint8Array): Compression | null {
  const hex = Buffer.from(head.subarray(0, magicBytes)).toString("hex");
  return magics.find(([, magic]) => hex.startsWith(magic))?.[0] ?? null;
}

/**
 * The bytes without their compression. Errors of the given stream and of what is in it reach whoever reads the
 * result; ending the result early ends the given stream.
 */
export async function decompress(stream: Readable, compression: Compression): Promise<Readable> {
  switch (compression) {
    case "gzip":
      return joined(stream, stream.pipe(zlib.createGunzip()));
    case "zstd":
      return joined(stream, stream.pipe(zstdDecompressor(zlib)));
    case "bzip2":
      return Readable.from(bunzip2(stream), { objectMode: false });
    case "xz": {
      // CommonJS of which Node.js finds no names: only the default export holds them.
      const { default: xz } = await import("xz-decompress");
      // Errors come through the web streams of their own accord.
      return Readable.from(chunksOf(new xz.XzReadableStream(Readable.toWeb(stream))), { objectMode: false });
    }
  }
}

/** @throws Failure `ZstdNotSupported`: Node.js reads it since 22.15, and lightbox runs on 22.12 */
export function zstdDecompressor({
  createZstdDecompress,
}: {
  readonly createZstdDecompress?: typeof zlib.createZstdDecompress;
}): Transform {
  if (createZstdDecompress !== undefined) return createZstdDecompress();
  throw new Failure({
    code: "ZstdNotSupported",
    category: "environment",
    message: `Node.js ${process.versions.node} cannot read zstd`,
    hint: "run lightbox with Node.js 22.15 or newer, or compress the archive with gzip or xz",
  });
}

function joined(source: Readable, result: Readable): Readable {
  source.on("error", (error) => result.destroy(error));
  result.on("close", () => source.destroy());
  return result;
}

/** The package's stream is of an old kind that ends before it is read: it is driven by hand. */
async function* bunzip2(stream: Readable): AsyncGenerator<Uint8Array> {
  const { default: unbzip2 } = await import("unbzip2-stream");
  const machine = unbzip2();
  const plain: Uint8Array[] = [];
  const errors: Error[] = [];
  machine.on("data", (chunk: Uint8Array) => plain.push(chunk));
  machine.on("error", (error: Error) => errors.push(error));
  const take = (): readonly Uint8Array[] => {
    const [error] = errors;
    if (error !== undefined) throw error;
    return plain.splice(0);
  };
  for await (const chunk of stream) {
    machine.write(chunk);
    yield* take();
  }
  machine.end();
  yield* take();
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) yield chunk;
}
