import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Failure } from "../../../diagnostics/failure.ts";
import { cancelled } from "../../../layers/cancellation.ts";
import type { BaseImage } from "../../../model/base-image.ts";
import { type Sha256Digest, sha256Digest } from "../../../model/identifiers.ts";
import { type Microsandbox, microsandboxErrorCode } from "./microsandbox.ts";

/** Images that lightbox imported have a name of ours that holds their digest: tags of others may move. */
const repository = "lightbox.local/base";

export function imageReference(digest: string): string {
  return `${repository}:${digest.replace(":", "-")}`;
}

/** @throws Failure `ImageMissing` */
export async function requireImage(microsandbox: Microsandbox, digest: string): Promise<string> {
  const reference = imageReference(digest);
  if (await hasImage(microsandbox, digest)) return reference;
  throw new Failure({
    code: "ImageMissing",
    category: "environment",
    message: `the worker does not have the base image ${digest}`,
    hint: "bake again: the image is then sent anew",
  });
}

export async function findImages(
  microsandbox: Microsandbox,
  digests: readonly Sha256Digest[],
): Promise<ReadonlySet<Sha256Digest>> {
  const present = await Promise.all(digests.map((digest) => hasImage(microsandbox, digest)));
  return new Set(digests.filter((_, index) => present[index]));
}

async function hasImage(microsandbox: Microsandbox, digest: string): Promise<boolean> {
  try {
    const image = await microsandbox.Image.get(imageReference(digest));
    return image.manifestDigest === digest;
  } catch (error) {
    if (microsandboxErrorCode(error) === "imageNotFound") return false;
    throw error;
  }
}

export interface ImportOptions {
  readonly microsandbox: Microsandbox;
  /** Where the archive waits while it is imported. */
  readonly temporaryDirectory: string;
  readonly signal: AbortSignal;
}

/** Imports an OCI image layout given as a tar stream. @throws Failure `ImageImportFailed`, `ImageDigestMismatch` */
export async function importImage(image: BaseImage, layout: Readable, options: ImportOptions): Promise<void> {
  const { microsandbox, signal } = options;
  if (await hasImage(microsandbox, image.digest)) {
    layout.destroy();
    return;
  }
  const directory = await mkdtemp(join(options.temporaryDirectory, "image-"));
  try {
    const archive = join(directory, "image.tar");
    await pipeline(layout, createWriteStream(archive), { signal });
    await load(microsandbox, archive, image);
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function load(microsandbox: Microsandbox, archive: string, image: BaseImage): Promise<void> {
  const reference = imageReference(sha256Digest(image.digest));
  try {
    await microsandbox.Image.load(archive, { tag: reference });
  } catch (error) {
    if (microsandboxErrorCode(error) === undefined) throw error;
    throw new Failure({
      code: "ImageImportFailed",
      category: "environment",
      message: `the image ${image.reference} cannot be imported: ${error instanceof Error ? error.message : ""}`,
      hint: "its archive may be damaged or made for another platform",
      cause: error,
    });
  }
  if (await hasImage(microsandbox, image.digest)) return;
  await microsandbox.Image.remove(reference, { force: true });
  throw new Failure({
    code: "ImageDigestMismatch",
    category: "environment",
    message: `the archive sent for ${image.reference} holds another image than ${image.digest}`,
    hint: "make or pull the image again",
  });
}
