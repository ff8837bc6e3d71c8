import type { RemoteContent } from "../context/remote-content.ts";
import type { GitPlace } from "../sources/git-place.ts";
import { type GitTree, withoutPassword } from "../sources/kept-git.ts";
import { PinnedGit, type PinnedGitOptions } from "../sources/pinned-git.ts";
import type { BakeProgress } from "./bake-progress.ts";

/** Repositories of a bake, each told of while it is fetched. */
export class ReportedGit extends PinnedGit {
  readonly #progress: BakeProgress;

  constructor(options: PinnedGitOptions & { readonly progress: BakeProgress }) {
    super(options);
    this.#progress = options.progress;
  }

  override async fetch(place: GitPlace, signal: AbortSignal): Promise<GitTree> {
    const source = place.ref === null ? place.url : `${place.url}#${place.ref}`;
    return await reported(source, this.#progress, () => super.fetch(place, signal));
  }
}

/** What ADD fetches, each URL told of; repositories are told of by {@link ReportedGit}. */
export function reportedContent(content: RemoteContent, progress: BakeProgress): RemoteContent {
  return {
    fetchUrl: (pattern, signal) => reported(pattern.url, progress, () => content.fetchUrl(pattern, signal)),
    fetchGit: (pattern, signal) => content.fetchGit(pattern, signal),
  };
}

async function reported<Result>(
  source: string,
  progress: BakeProgress,
  fetch: () => Promise<Result>,
): Promise<Result> {
  const startedAt = progress.now();
  progress.emit({ kind: "source-fetching", source: withoutPassword(source) });
  const result = await fetch();
  const durationMs = progress.now() - startedAt;
  progress.emit({ kind: "source-fetched", source: withoutPassword(source), durationMs });
  return result;
}
