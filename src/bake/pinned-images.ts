import { Failure } from "../diagnostics/failure.ts";
import { pathOfImage } from "../graph/link/reference.ts";
import { gitDirectoryOf } from "../sources/git.ts";
import { type Pins, unpinned } from "../sources/pins.ts";
import type { ImageSource, ResolvedImage } from "./image-source.ts";

export interface PinnedOptions {
  readonly images: ImageSource;
  readonly platform: string;
  readonly pull: boolean;
  readonly pins: Pins;
  /** LIGHTBOX_HOME: an image in a repository that is kept there is pinned by its commit. */
  readonly homeDirectory: string;
}

/** Whether a reference cannot come to mean another image: it has a digest, or stands in a fetched commit. */
export function isFixed(reference: string, { homeDirectory }: Pick<PinnedOptions, "homeDirectory">): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(reference) || reference.includes(`${gitDirectoryOf(homeDirectory)}/`);
}

/**
 * The image that a reference means, by the lock's digest where it has one: the registry is then never asked for
 * what the tag means. An image in a local file is looked at as ever, and has to be the one that was locked.
 *
 * @throws Failure `LockMissing`, `LockStale`; as `ImageSource.resolve`
 */
export async function resolvePinned(
  reference: string,
  { images, platform, pull, pins, homeDirectory }: PinnedOptions,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const digest = pins.image(reference, platform);
  if (isFixed(reference, { homeDirectory }) || (digest === undefined && pins.missing === "ask")) {
    return await images.resolve(reference, { platform, pull }, signal);
  }
  if (digest === undefined) throw new Failure({ category: "usage", ...unpinned(reference, pins) });
  if (pathOfImage(reference) === null) {
    const resolved = await images.resolve(`${reference}@${digest}`, { platform, pull: false }, signal);
    return { ...resolved, image: { ...resolved.image, reference } };
  }
  const resolved = await images.resolve(reference, { platform, pull }, signal);
  if (resolved.image.digest === digest || pins.missing === "ask") return resolved;
  throw new Failure({
    code: "LockStale",
    category: "usage",
    message: `${reference} is not the image that the lock file pins`,
    hint: `bring that image back, or take the new one with \`lightbox lock --update ${reference}\``,
  });
}
