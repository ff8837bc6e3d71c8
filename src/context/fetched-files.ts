import { basename, dirname } from "node:path";
import type { ContextSelection } from "../graph/plan.ts";
import { ContextTrouble, type Place } from "./context-trouble.ts";
import { rulesOf } from "./copy-selection.ts";
import type { GitPattern, RemoteContent, UrlPattern } from "./remote-content.ts";
import { type SelectedNode, type SelectedSource, selectMounted } from "./select-sources.ts";
import { type HashedTree, plainly, type Selected, type SelectedFiles } from "./selected-files.ts";

/** What fetching takes. */
export interface Fetching {
  readonly remote: RemoteContent;
  /** A folder that nothing ignores: of what was fetched. */
  openFolder(directory: string): Promise<HashedTree>;
  readonly signal: AbortSignal;
}

/** What ADD downloads is its owner's alone, as Docker has it: nobody knows what a server sends. */
const downloadMode = 0o600;

/** The file behind an address. */
export async function selectDownload(
  pattern: UrlPattern,
  place: Place,
  { remote, openFolder, signal }: Fetching,
): Promise<Selected> {
  const { path } = await remote.fetchUrl(pattern, signal);
  const from = await openFolder(dirname(path));
  const node = from.tree.resolve(basename(path));
  if (node?.kind !== "file") throw new Error(`internal error: ${pattern.url} is not at ${path}`);
  const nodes = [{ path: "", node }];
  const source: SelectedSource = {
    written: pattern.url,
    kind: "file",
    name: pattern.name || "index",
    nodes,
  };
  return { from, source, place, fileMode: downloadMode };
}

/** Files of a repository, and its `.git` where that is kept. */
export async function selectRepository(
  pattern: GitPattern,
  { selection, place }: { readonly selection: ContextSelection; readonly place: Place },
  { remote, openFolder, signal }: Fetching,
): Promise<readonly SelectedFiles[]> {
  const { commit, directory, gitDirectory } = await remote.fetchGit(pattern, signal);
  if (pattern.commitPrefix !== null && !commit.startsWith(pattern.commitPrefix)) {
    throw new ContextTrouble(
      "ChecksumMismatch",
      `${pattern.ref ?? "HEAD"} of ${pattern.repository} is ${commit}, not ${pattern.commitPrefix}…`,
      "see what changed there, then name the commit that is meant",
    );
  }
  const from = await openFolder(directory);
  const { excludes } = rulesOf(selection);
  const source = await selectMounted(from.tree, pattern.path, { excludes, signal }).catch(
    (error: unknown) => {
      if (!(error instanceof ContextTrouble) || error.code !== "SourceNotFound") throw error;
      throw new ContextTrouble(
        "SourceNotFound",
        `${pattern.path} is not in ${pattern.repository} at ${pattern.ref ?? "its HEAD"}`,
        error.hint?.startsWith("did you mean") === true ? error.hint : undefined,
      );
    },
  );
  const written = pattern.path === "" ? pattern.repository : `${pattern.repository}:${pattern.path}`;
  const files = plainly({ from, source: { ...source, written }, place, commit });
  if (!pattern.keepsGitDirectory) return [files];
  const repository = await openFolder(gitDirectory);
  const git = await selectMounted(repository.tree, "", { signal });
  return [files, plainly({ from: repository, source: below(".git", git), place })];
}

/** The directory as one in another. */
function below(name: string, source: SelectedSource): SelectedSource {
  const root: SelectedNode = { path: "", node: { kind: "directory", path: "" }, isImplied: true };
  const nodes = source.nodes.map(({ path, node }) => ({
    path: path === "" ? name : `${name}/${path}`,
    node,
  }));
  return { ...source, nodes: [root, ...nodes] };
}
