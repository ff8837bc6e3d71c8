import { Failure } from "../diagnostics/failure.ts";
import { fetchGitTree, resolveGitRef } from "./git.ts";
import { type GitPlace, isCommit } from "./git-place.ts";
import type { GitTree } from "./kept-git.ts";
import type { LockedCommit } from "./lock-file.ts";
import { type Pins, unpinned } from "./pins.ts";

export interface PinnedGitOptions {
  /** LIGHTBOX_HOME: trees are kept below it. */
  readonly homeDirectory: string;
  readonly pins: Pins;
  /** Awaited before each repository is taken, whether it is fetched or kept from before. */
  readonly beforeSource?: (() => Promise<void>) | undefined;
  /** Told of the commit of every branch and tag that was fetched. */
  onCommit?(pin: LockedCommit): void;
}

/** Repositories of one bake: held to the lock, and each branch asked for once, so that all stands on one commit. */
export class PinnedGit {
  readonly #options: PinnedGitOptions;
  readonly #commits = new Map<string, Promise<string>>();

  constructor(options: PinnedGitOptions) {
    this.#options = options;
  }

  /** @throws Failure `LockMissing`, `LockStale`; as `fetchGitTree` */
  async fetch(place: GitPlace, signal: AbortSignal): Promise<GitTree> {
    const { homeDirectory, beforeSource, onCommit } = this.#options;
    await beforeSource?.();
    const { url, ref } = place;
    const commit = await this.#commitOf(place, signal);
    if (!isCommit(ref)) onCommit?.({ url, ref, commit });
    return await fetchGitTree({ url, ref, commit }, { homeDirectory, signal });
  }

  async #commitOf({ url, ref }: GitPlace, signal: AbortSignal): Promise<string> {
    const { pins } = this.#options;
    if (isCommit(ref)) return ref;
    const pinned = pins.commit(url, ref);
    if (pinned !== undefined) return pinned;
    if (pins.missing === "refuse") {
      throw new Failure({ category: "usage", ...unpinned(`${url}#${ref ?? "HEAD"}`, pins) });
    }
    const key = `${url}#${ref ?? ""}`;
    const asking = this.#commits.get(key) ?? resolveGitRef({ url, ref }, signal);
    this.#commits.set(key, asking);
    return await asking;
  }
}
