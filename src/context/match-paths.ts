import { hasWildcard, matchWildcard } from "../lightfile/wildcard.ts";
import type { ContextTree } from "./context-tree.ts";

/** A path of the context that a pattern matches. */
export interface MatchedPath {
  readonly path: string;
  /** The directory from which on `--parents` keeps the path. */
  readonly base: string;
}

export interface PathQuery {
  readonly segments: readonly string[];
  /** How many segments make the base. */
  readonly pivot: number;
  /** `**` stands for any number of directories, none included. */
  readonly crossesDirectories: boolean;
}

/** The paths that match, segment by segment, each once, in the order of the names. */
export function matchPaths(tree: ContextTree, query: PathQuery): readonly MatchedPath[] {
  let matches: readonly MatchedPath[] = [{ path: "", base: "" }];
  query.segments.forEach((segment, index) => {
    if (index === query.pivot) matches = matches.map(({ path }) => ({ path, base: path }));
    matches = once(matches.flatMap((match) => step(tree, match, { segment, ...query })));
  });
  if (query.pivot === query.segments.length) return matches.map(({ path }) => ({ path, base: path }));
  return matches;
}

function step(
  tree: ContextTree,
  { path, base }: MatchedPath,
  { segment, crossesDirectories }: { readonly segment: string; readonly crossesDirectories: boolean },
): readonly MatchedPath[] {
  if (segment === "**" && crossesDirectories) {
    return directoriesBelow(tree, path).map((directory) => ({ path: directory, base }));
  }
  // A backslash may stand for itself or escape a wildcard: the names decide.
  const isPattern = hasWildcard(segment) || segment.includes("\\");
  const paths = isPattern ? matchesIn(tree, path, segment) : literalIn(tree, path, segment);
  return paths.map((one) => ({ path: one, base }));
}

function once(matches: readonly MatchedPath[]): readonly MatchedPath[] {
  return [...new Map(matches.map((match) => [match.path, match])).values()];
}

function literalIn(tree: ContextTree, directory: string, segment: string): readonly string[] {
  const path = below(directory, segment);
  return tree.resolve(path) === undefined ? [] : [path];
}

function matchesIn(tree: ContextTree, directory: string, segment: string): readonly string[] {
  const node = tree.resolveDirectory(directory);
  if (node === undefined) return [];
  return tree
    .listNames(node.path)
    .filter((name) => matchWildcard(segment, name))
    .map((name) => below(directory, name));
}

/** The directory and all below it; links to directories are not gone through, so that none leads round in a circle. */
function directoriesBelow(tree: ContextTree, directory: string): readonly string[] {
  const found = [directory];
  for (let at = 0; at < found.length; at += 1) {
    const parent = found[at] ?? "";
    const node = tree.resolveDirectory(parent);
    if (node === undefined) continue;
    for (const name of tree.listDirectories(node.path)) found.push(below(parent, name));
  }
  return found.sort();
}

function below(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}
