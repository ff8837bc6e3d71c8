import { Failure } from "../diagnostics/failure.ts";
import { pathOfImage } from "../graph/link/reference.ts";
import { gitDirectoryOf } from "../sources/kept-git.ts";
import { type Pins, unpinned } from "../sources/pins.ts";
import type { ImageRetry, ImageSource, ResolvedImage } from "./image-source.ts";

export interface PinnedOptions {
  readonly images: ImageSource;
  readonly platform: string;
  readonly pins: Pins;
  /** LIGHTBOX_HOME: an image in a repository that is kept there is pinned by its commit. */
  readonly homeDirectory: string;
}

/** Whether a reference cannot come to mean another image: it has a digest, stands in a fetched commit, or is `scratch`. */
export function isFixed(reference: string, { homeDirectory }: Pick<PinnedOptions, "homeDirectory">): boolean {
  return (
    reference === "scratch" ||
    /@sha256:[0-9a-f]{64}$/.test(reference) ||
    reference.includes(`${gitDirectoryOf(homeDirectory)}/`)
  );
}

export interface PinnedResolving extends PinnedOptions {
  readonly pull: boolean;
  onRetry(retry: ImageRetry): void;
}

/**
 * The image that a reference means, by the lock's digest where it has one: the registry is then never asked for
 * what the tag means. An image in a local file is looked at as ever, and has to be the one that was locked.
 *
 * @throws Failure `LockMissing`, `LockStale`; as `ImageSource.resolve`
 */
export async function resolvePinned(
  reference: string,
  { pull, onRetry, ...options }: PinnedResolving,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const { images, platform } = options;
  return await lookUp(reference, options, (named, { isPinned }) =>
    images.resolve(named, { platform, pull: pull && !isPinned, onRetry }, signal),
  );
}

/**
 * What {@link resolvePinned} says without asking a registry; null when that cannot be said.
 *
 * @throws Failure as {@link resolvePinned}
 */
export async function recallPinned(
  reference: string,
  options: PinnedOptions,
  signal: AbortSignal,
): Promise<ResolvedImage | null> {
  const { images, platform } = options;
  return await lookUp(reference, options, (named) => images.recall(named, { platform }, signal));
}

async function lookUp<Found extends ResolvedImage | null>(
  reference: string,
  { platform, pins, homeDirectory }: PinnedOptions,
  look: (named: string, by: { readonly isPinned: boolean }) => Promise<Found>,
): Promise<Found | ResolvedImage> {
  const digest = pins.image(reference, platform);
  if (isFixed(reference, { homeDirectory }) || (digest === undefined && pins.missing === "ask")) {
    return await look(reference, { isPinned: false });
  }
  if (digest === undefined) throw new Failure({ category: "usage", ...unpinned(reference, pins) });
  if (pathOfImage(reference) === null) {
    const found = await look(`${reference}@${digest}`, { isPinned: true });
    return found === null ? found : { ...found, image: { ...found.image, reference } };
  }
  const found = await look(reference, { isPinned: false });
  if (found === null || found.image.digest === digest || pins.missing === "ask") return found;
  throw new Failure({
    code: "LockStale",
    category: "usage",
    message: `${reference} is not the image that the lock file pins`,
    hint: `bring that image back, or take the new one with \`lightbox lock --update ${reference}\``,
  });
}
