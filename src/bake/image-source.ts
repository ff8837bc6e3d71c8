import type { Readable } from "node:stream";
import type { BaseImage } from "../model/base-image.ts";
import type { Evidence } from "../model/evidence.ts";

/** Where base images come from; the composition root puts `src/images` behind it. */
export interface ImageSource {
  /**
   * Turns a FROM's reference into an image with its digest and configuration.
   * @throws Failure of category `usage` when the reference is wrong (it becomes a diagnostic at the FROM), of
   *   another category when the registry, archive or network is not fit.
   */
  resolve(reference: string, options: ResolveImageOptions, signal: AbortSignal): Promise<ResolvedImage>;
  /**
   * What {@link resolve} says without asking a registry; null when that cannot be said.
   * @throws Failure as {@link resolve}
   */
  recall(
    reference: string,
    options: Pick<ResolveImageOptions, "platform">,
    signal: AbortSignal,
  ): Promise<ResolvedImage | null>;
  /** Opens the image as an OCI layout in a tar stream, for a worker that does not have it. */
  openLayout(image: BaseImage, options: OpenLayoutOptions, signal: AbortSignal): Promise<Readable>;
}

/** A registry that did not answer as it should is asked again. */
export interface ImageRetry {
  readonly registry: string;
  readonly reason: string;
  readonly waitMs: number;
}

export interface ResolveImageOptions {
  /** e.g. `linux/amd64` */
  readonly platform: string;
  /** Ask again even when the answer is remembered. */
  readonly pull: boolean;
  onRetry(retry: ImageRetry): void;
}

export interface ResolvedImage {
  readonly image: BaseImage;
  /** True when nobody was asked: the answer was known from before. */
  readonly remembered: boolean;
  /** While this is as it was, the same answer is given again and nobody is asked. */
  readonly evidence: readonly Evidence[];
}

export interface OpenLayoutOptions {
  onProgress(progress: ImageProgress): void;
  onRetry(retry: ImageRetry): void;
}

export interface ImageProgress {
  readonly doneBytes: number;
  /** Null when the total is not known. */
  readonly totalBytes: number | null;
}
