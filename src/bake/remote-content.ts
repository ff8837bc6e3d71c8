import { type DownloadProgress, Downloads } from "../context/download.ts";
import type { GitPattern, RemoteContent, UrlPattern } from "../context/remote-content.ts";
import { Failure } from "../diagnostics/failure.ts";
import type { PinnedGit } from "../sources/pinned-git.ts";
import { type Pins, unpinned } from "../sources/pins.ts";

export interface RemoteContentOptions {
  readonly homeDirectory: string;
  readonly pins: Pins;
  readonly git: PinnedGit;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** See `BakeCollaborators`; repositories have it of their own. */
  readonly beforeSource: (() => Promise<void>) | undefined;
  /** See `DownloadsOptions`. */
  readonly beforeFirst?: () => Promise<void>;
}

/**
 * What ADD fetches, held to the lock file where it says anything: a file by its SHA-256, a repository by its commit.
 * With `--locked`, what neither the Lightfile nor the lock file pins is a mistake (`LockMissing`, `LockStale`).
 */
export function openRemoteContent(remote: RemoteContentOptions): RemoteContent {
  const { pins, git, beforeSource, ...options } = remote;
  const downloads = new Downloads(options);
  return {
    async fetchUrl({ url, checksum }: UrlPattern, signal) {
      const pinned = checksum ?? pins.url(url) ?? null;
      if (pinned === null && pins.missing === "refuse") {
        throw new Failure({ category: "usage", ...unpinned(url, pins) });
      }
      await beforeSource?.();
      return await downloads.fetch(url, pinned, signal);
    },
    fetchGit: ({ repository: url, ref }: GitPattern, signal) => git.fetch({ url, ref }, signal),
  };
}
