import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline, Readable, Transform } from "node:stream";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { type Hasher, loadHasher } from "../graph/keys/hash.ts";
import type { ContentDigest } from "../model/identifiers.ts";
import type { ContentLocation, ContentPaths } from "./content-location.ts";

/**
 * Opens the content of a digest. The stream ends only when its bytes have the digest; otherwise it fails.
 *
 * @throws Failure `ContextChanged`, also through the stream; `UnreadableSource`
 */
export async function openContent(contentPaths: ContentPaths, digest: ContentDigest): Promise<Readable> {
  const location = contentPaths.get(digest);
  if (location === undefined) throw new Error(`internal error: no content is known for ${digest}`);
  if (location.kind === "inline")
    return Readable.from([Buffer.from(location.text, "utf8")], { objectMode: false });
  const hasher = await loadHasher();
  const file = await openFile(location);
  const check = checkDigest(location.path, digest, hasher);
  // Errors of either stream reach whoever reads the last one.
  return pipeline(file, check, () => undefined);
}

async function openFile(location: ContentLocation & { kind: "file" }): Promise<Readable> {
  try {
    // O_NONBLOCK: a pipe that took the file's place must not block the bake.
    const handle = await open(
      location.path,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    if ((await handle.stat()).isFile()) return handle.createReadStream({ highWaterMark: 1024 * 1024 });
    await handle.close();
    throw changed(location.path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP", "EACCES", "EPERM", "ENXIO"].includes(systemErrorCode(error) ?? "")) {
      throw changed(location.path, error);
    }
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new Failure({
      code: "UnreadableSource",
      category: "usage",
      message: `${location.path} cannot be read: ${error.message}`,
      hint: "see what the system has against it, or name it in .lightignore",
      cause: error,
    });
  }
}

function checkDigest(path: string, digest: ContentDigest, hasher: Hasher): Transform {
  const hash = hasher.start();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      done(hash.digest() === digest ? null : changed(path));
    },
  });
}

function changed(path: string, cause?: unknown): Failure {
  return new Failure({
    code: "ContextChanged",
    category: "usage",
    message: `${path} changed while the bake was running`,
    hint: "bake again when nothing writes to it, or name it in .lightignore",
    ...(cause === undefined ? {} : { cause }),
  });
}
