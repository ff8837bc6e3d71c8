import { setImmediate as nextTurn } from "node:timers/promises";
import { didYouMean } from "../diagnostics/suggest.ts";
import { hasWildcard, matchWildcard, wildcardProblem } from "../lightfile/wildcard.ts";
import { type ContextTree, parentOf, segmentsOf, type TreeNode } from "./context-tree.ts";
import { ContextTrouble, vanished } from "./context-trouble.ts";

/** A source argument after matching, its files not hashed yet. */
export interface SelectedSource {
  /** Context path, for messages. */
  readonly written: string;
  readonly kind: "file" | "directory";
  /** Base name. */
  readonly name: string;
  /** Sorted by path relative to the source; the source itself has the path ''. */
  readonly nodes: readonly { readonly path: string; readonly node: TreeNode }[];
}

/** Between two looks at the clock and the signal. */
const nodesPerTurn = 4096;

/**
 * The sources that a pattern of COPY selects, by Docker's rules: links on the way to a source are followed,
 * links inside a directory stay links; a wildcard that matches nothing gives nothing.
 *
 * @throws ContextTrouble when a source is missing, leaves the context or cannot be copied
 */
export async function selectSources(
  tree: ContextTree,
  pattern: string,
  signal: AbortSignal,
): Promise<readonly SelectedSource[]> {
  const path = cleanPattern(pattern);
  const problem = hasWildcard(path) ? wildcardProblem(path) : null;
  if (problem !== null) {
    throw new ContextTrouble(
      "InvalidPattern",
      `the pattern ${pattern} is malformed: ${problem}`,
      "put a backslash before a [ that stands for itself",
    );
  }
  const matches = matchPaths(tree, segmentsOf(path));
  if (matches.length === 0 && !hasWildcard(path)) throw notFound(tree, pattern, path);
  const sources: SelectedSource[] = [];
  for (const match of matches) {
    const node = tree.resolve(match);
    if (node === undefined) throw hasWildcard(path) ? vanished(match) : notFound(tree, match, match);
    if (node.kind === "file" && pattern.endsWith("/")) {
      throw new ContextTrouble(
        "SourceNotFound",
        `${match} is a file, not a directory`,
        "take the slash away",
      );
    }
    const written = match === "" ? "." : match;
    const name = match.slice(match.lastIndexOf("/") + 1);
    sources.push(
      node.kind === "directory"
        ? { written, kind: "directory", name, nodes: await everythingBelow(tree, node, signal) }
        : { written, kind: "file", name, nodes: [{ path: "", node }] },
    );
  }
  return sources;
}

/** Relative to the root, without `.` and `..`. */
function cleanPattern(pattern: string): string {
  const kept: string[] = [];
  for (const segment of segmentsOf(pattern)) {
    if (segment !== "..") kept.push(segment);
    else if (kept.pop() === undefined) {
      throw new ContextTrouble(
        "OutsideContext",
        `${pattern} is outside the context`,
        "only files of the context can be copied; choose a context directory further up",
      );
    }
  }
  return kept.join("/");
}

/** The paths that match, segment by segment, sorted. */
function matchPaths(tree: ContextTree, segments: readonly string[]): readonly string[] {
  let paths = [""];
  for (const segment of segments) {
    // A backslash may stand for itself or escape a wildcard: the names decide.
    const isPattern = hasWildcard(segment) || segment.includes("\\");
    paths = paths.flatMap((path) =>
      isPattern ? matchesIn(tree, path, segment) : literalIn(tree, path, segment),
    );
  }
  return paths;
}

function literalIn(tree: ContextTree, directory: string, segment: string): readonly string[] {
  const path = directory === "" ? segment : `${directory}/${segment}`;
  return tree.resolve(path) === undefined ? [] : [path];
}

function matchesIn(tree: ContextTree, directory: string, segment: string): readonly string[] {
  const node = tree.resolveDirectory(directory);
  if (node === undefined) return [];
  return tree
    .listNames(node.path)
    .filter((name) => matchWildcard(segment, name))
    .map((name) => (directory === "" ? name : `${directory}/${name}`));
}

async function everythingBelow(
  tree: ContextTree,
  top: TreeNode,
  signal: AbortSignal,
): Promise<SelectedSource["nodes"]> {
  const nodes: { path: string; node: TreeNode }[] = [{ path: "", node: top }];
  const start = top.path === "" ? 0 : top.path.length + 1;
  const open = [tree.list(top.path).values()];
  let turnAt = nodesPerTurn;
  for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
    const { value: node } = directory.next();
    if (node === undefined) {
      open.pop();
      continue;
    }
    nodes.push({ path: node.path.slice(start), node });
    if (node.kind === "directory") open.push(tree.list(node.path).values());
    if (nodes.length < turnAt) continue;
    turnAt = nodes.length + nodesPerTurn;
    await nextTurn();
    signal.throwIfAborted();
  }
  // Nearly sorted by now: only what sorts between a directory and its contents, as `a.c` does, is out of place.
  return nodes.sort((left, right) => (left.path < right.path ? -1 : 1));
}

function notFound(tree: ContextTree, written: string, path: string): ContextTrouble {
  if (tree.isHidden(path)) {
    const line = tree.ignore.explain(path);
    return new ContextTrouble(
      "SourceNotFound",
      `${written} is left out of the context${line === null ? "" : ` by ${line}`}`,
      `take it back with a line !${path} at the end of the ignore file`,
    );
  }
  const directory = parentOf(path);
  const suggestion = didYouMean(path.slice(path.lastIndexOf("/") + 1), tree.namesIn(directory));
  return new ContextTrouble(
    "SourceNotFound",
    `${written} is not in the context`,
    suggestion ?? `looked in ${tree.hostPath(directory)}`,
  );
}
