import { hasWildcard, matchWildcard } from "../lightfile/wildcard.ts";
import type { ContextTree } from "./context-tree.ts";
import { join, nameOf, parentOf } from "./tree-node.ts";

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

/**
 * The paths that match, segment by segment, each once, in the order of the names. From the first wildcard on, as with
 * Docker, no link is gone through: one out of the context does not matter to a pattern that it is no match of. What matches as
 * a whole may be a link.
 */
export function matchPaths(tree: ContextTree, query: PathQuery): readonly MatchedPath[] {
  let matches: readonly MatchedPath[] = [{ path: "", base: "" }];
  const firstWildcard = query.segments.findIndex(hasWildcard);
  const last = query.segments.length - 1;
  query.segments.forEach((segment, index) => {
    if (index === query.pivot) matches = matches.map(({ path }) => ({ path, base: path }));
    const goesThroughLinks = firstWildcard === -1 || index < firstWildcard || index === last;
    matches = once(matches.flatMap((match) => step(tree, match, { segment, goesThroughLinks, ...query })));
  });
  if (query.pivot === query.segments.length) return matches.map(({ path }) => ({ path, base: path }));
  return matches;
}

interface Step extends Pick<PathQuery, "crossesDirectories"> {
  readonly segment: string;
  /** Whether what matches the segment may be a link. */
  readonly goesThroughLinks: boolean;
}

function step(
  tree: ContextTree,
  { path, base }: MatchedPath,
  { segment, goesThroughLinks, crossesDirectories }: Step,
): readonly MatchedPath[] {
  if (segment === "**" && crossesDirectories) {
    return directoriesBelow(tree, path).map((directory) => ({ path: directory, base }));
  }
  // A backslash may stand for itself or escape a wildcard: the names decide.
  const isPattern = hasWildcard(segment) || segment.includes("\\");
  const named = isPattern ? matchesIn(tree, path, segment) : [join(path, segment)];
  // Before anything is resolved: a link out of the context is only trouble for those who go through it.
  const passed = goesThroughLinks ? named : named.filter((one) => !isLink(tree, one));
  const paths = isPattern ? passed : passed.filter((one) => tree.resolve(one) !== undefined);
  return paths.map((one) => ({ path: one, base }));
}

/** Of a path that is a match: what is before its last name has been gone through. */
function isLink(tree: ContextTree, path: string): boolean {
  const directory = tree.resolveDirectory(parentOf(path));
  return directory !== undefined && tree.linkTarget(join(directory.path, nameOf(path))) !== null;
}

function once(matches: readonly MatchedPath[]): readonly MatchedPath[] {
  return [...new Map(matches.map((match) => [match.path, match])).values()];
}

function matchesIn(tree: ContextTree, directory: string, segment: string): readonly string[] {
  const node = tree.resolveDirectory(directory);
  if (node === undefined) return [];
  return tree
    .listNames(node.path)
    .filter((name) => matchWildcard(segment, name))
    .map((name) => join(directory, name));
}

/** The directory and all below it; links to directories are not gone through, so that none leads round in a circle. */
function directoriesBelow(tree: ContextTree, directory: string): readonly string[] {
  const found = [directory];
  for (let at = 0; at < found.length; at += 1) {
    const parent = found[at] ?? "";
    const node = tree.resolveDirectory(parent);
    if (node === undefined) continue;
    for (const name of tree.listDirectories(node.path)) found.push(join(parent, name));
  }
  return found.sort();
}
