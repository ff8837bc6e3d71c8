import { Downloads } from "../context/download.ts";
import type { GitPattern, RemoteContent, UrlPattern } from "../context/remote-content.ts";
import { Failure } from "../diagnostics/failure.ts";
import { fetchGitTree, isCommit } from "../sources/git.ts";
import { type Pins, unpinned } from "../sources/pins.ts";

export interface RemoteContentOptions {
  readonly homeDirectory: string;
  readonly pins: Pins;
  /** See `DownloadsOptions`. */
  readonly beforeFirst?: () => Promise<void>;
}

/**
 * What ADD fetches, held to the lock file where it says anything: a file by its SHA-256, a repository by its commit.
 * With `--locked`, what neither the Lightfile nor the lock file pins is a mistake (`LockMissing`, `LockStale`).
 */
export function openRemoteContent({ pins, ...options }: RemoteContentOptions): RemoteContent {
  const downloads = new Downloads(options);
  const refuse = (name: string): Failure => new Failure({ category: "usage", ...unpinned(name, pins) });
  return {
    async fetchUrl({ url, checksum }: UrlPattern, signal) {
      const pinned = checksum ?? pins.url(url) ?? null;
      if (pinned === null && pins.missing === "refuse") throw refuse(url);
      return downloads.fetch(url, pinned, signal);
    },
    async fetchGit({ repository: url, ref }: GitPattern, signal) {
      const commit = pins.commit(url, ref) ?? null;
      if (commit === null && !isCommit(ref) && pins.missing === "refuse") throw refuse(url);
      return fetchGitTree({ url, ref, commit }, { homeDirectory: options.homeDirectory, signal });
    },
  };
}
