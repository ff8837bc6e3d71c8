import { setImmediate as nextTurn } from "node:timers/promises";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { IgnorePatterns } from "../lightfile/ignore-pattern.ts";
import { hasWildcard, wildcardProblem } from "../lightfile/wildcard.ts";
import type { ContextTree } from "./context-tree.ts";
import { ContextTrouble, vanished } from "./context-trouble.ts";
import { everything, type SelectionRules } from "./copy-selection.ts";
import { type MatchedPath, matchPaths } from "./match-paths.ts";
import { join, nameOf, parentOf, type TreeNode } from "./tree-node.ts";

/** A source argument after matching, its files not hashed yet. */
export interface SelectedSource {
  /** Context path, for messages. */
  readonly written: string;
  readonly kind: "file" | "directory";
  /** Base name. */
  readonly name: string;
  /** Sorted by path relative to the source; the source itself has the path ''. */
  readonly nodes: readonly SelectedNode[];
}

export interface SelectedNode {
  readonly path: string;
  readonly node: TreeNode;
  /** A directory that is only on the way to what is copied. */
  readonly isImplied?: true;
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
  { rules = everything, signal }: { readonly rules?: SelectionRules; readonly signal: AbortSignal },
): Promise<readonly SelectedSource[]> {
  const { segments, pivot } = cleanPattern(pattern);
  const path = segments.join("/");
  const problem = hasWildcard(path) ? wildcardProblem(path) : null;
  if (problem !== null) {
    throw new ContextTrouble(
      "InvalidPattern",
      `the pattern ${pattern} is malformed: ${problem}`,
      "put a backslash before a [ that stands for itself",
    );
  }
  const crossesDirectories = rules.keepsParents;
  const matches = matchPaths(tree, { segments, pivot: rules.keepsParents ? pivot : 0, crossesDirectories });
  if (matches.length === 0 && !hasWildcard(path)) {
    if (rules.ifExists) return [];
    throw notFound(tree, pattern, path);
  }
  const found: FoundSource[] = [];
  for (const match of matches) {
    const node = tree.resolve(match.path);
    if (node === undefined) {
      throw hasWildcard(path) ? vanished(match.path) : notFound(tree, match.path, match.path);
    }
    if (node.kind === "file" && pattern.endsWith("/")) {
      throw new ContextTrouble(
        "SourceNotFound",
        `${match.path} is a file, not a directory`,
        "take the slash away",
      );
    }
    const nodes =
      node.kind === "directory" ? await everythingBelow(tree, node, signal) : [{ path: "", node }];
    found.push({ match, node, nodes });
  }
  return rules.keepsParents
    ? withParents(found, rules.excludes)
    : found.flatMap((one) => toSource(one, rules.excludes));
}

/**
 * The one file or directory that a `--mount` shows, its links followed.
 *
 * @throws ContextTrouble as {@link selectSources}
 */
export async function selectMounted(
  tree: ContextTree,
  path: string,
  { excludes = null, signal }: { readonly excludes?: IgnorePatterns | null; readonly signal: AbortSignal },
): Promise<SelectedSource> {
  const clean = cleanPattern(path).segments.join("/");
  const node = tree.resolve(clean);
  if (node === undefined) throw notFound(tree, path, clean);
  const nodes = node.kind === "directory" ? await everythingBelow(tree, node, signal) : [{ path: "", node }];
  const [source] = toSource({ match: { path: clean, base: "" }, node, nodes }, excludes);
  if (source === undefined) throw new Error(`internal error: nothing at ${clean}`);
  return source;
}

interface FoundSource {
  readonly match: MatchedPath;
  readonly node: TreeNode;
  readonly nodes: readonly SelectedNode[];
}

/** Nothing when the source itself is excluded: a file by its name, a directory by what is in it. */
function toSource(
  { match: { path }, node, nodes }: FoundSource,
  excludes: IgnorePatterns | null,
): readonly SelectedSource[] {
  const written = path === "" ? "." : path;
  const name = nameOf(path);
  if (node.kind === "directory") {
    return [{ written, kind: "directory", name, nodes: withoutExcluded(nodes, excludes) }];
  }
  return excludes?.isIgnored(name) === true ? [] : [{ written, kind: "file", name, nodes }];
}

/**
 * `--parents`: each source below the path that it was named with, from its base on. Sources of one base are one
 * directory, in which the directories on the way are implied.
 */
function withParents(
  found: readonly FoundSource[],
  excludes: IgnorePatterns | null,
): readonly SelectedSource[] {
  const sources: SelectedSource[] = [];
  for (const [base, ofBase] of Map.groupBy(found, ({ match }) => match.base)) {
    const nodes = new Map<string, SelectedNode>();
    const imply = (path: string): void => {
      if (nodes.has(path)) return;
      if (path !== "") imply(parentOf(path));
      nodes.set(path, { path, node: { kind: "directory", path: join(base, path) }, isImplied: true });
    };
    imply("");
    for (const { match, nodes: below } of ofBase) {
      const top = base === "" ? match.path : match.path.slice(base.length + 1);
      const placed = below.map(({ path, node }): SelectedNode => ({ path: join(top, path), node }));
      for (const one of withoutExcluded(placed, excludes)) {
        if (one.path === "") continue;
        imply(parentOf(one.path));
        nodes.set(one.path, one);
      }
    }
    const sorted = [...nodes.values()].sort((left, right) => (left.path < right.path ? -1 : 1));
    const written = base === "" ? "." : base;
    sources.push({ written, kind: "directory", name: nameOf(base), nodes: sorted });
  }
  return sources;
}

/** An excluded directory is there all the same when something below it is taken back. */
function withoutExcluded(
  nodes: readonly SelectedNode[],
  excludes: IgnorePatterns | null,
): readonly SelectedNode[] {
  if (excludes === null) return nodes;
  const kept = new Set<string>([""]);
  for (const { path } of nodes) {
    if (path === "" || excludes.isIgnored(path)) continue;
    for (let at = path; !kept.has(at); at = parentOf(at)) kept.add(at);
  }
  return nodes.filter(({ path }) => kept.has(path));
}

/** Relative to the root, without `.` and `..`; `pivot` is how many segments stand before a `/./`. */
function cleanPattern(pattern: string): { readonly segments: readonly string[]; readonly pivot: number } {
  const kept: string[] = [];
  let pivot = 0;
  const written = pattern.split("/");
  written.forEach((segment, index) => {
    if (segment === "." && index > 0 && index < written.length - 1) pivot = kept.length;
    if (segment === "" || segment === ".") return;
    if (segment !== "..") kept.push(segment);
    else if (kept.pop() === undefined) {
      throw new ContextTrouble(
        "OutsideContext",
        `${pattern} is outside the context`,
        "only files of the context can be copied; choose a context directory further up",
      );
    }
  });
  return { segments: kept, pivot: Math.min(pivot, kept.length) };
}

async function everythingBelow(
  tree: ContextTree,
  top: TreeNode,
  signal: AbortSignal,
): Promise<readonly SelectedNode[]> {
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
      "CopyIgnoredFile",
      `${written} is left out of the context${line === null ? "" : ` by ${line}`}`,
      `take it back with a line !${path} at the end of the ignore file`,
    );
  }
  const { directory, name } = firstMissing(tree, path);
  const names = tree.namesIn(directory);
  const target = names.includes(name) ? tree.linkTarget(path) : null;
  if (target !== null) {
    return new ContextTrouble(
      "SourceNotFound",
      `${written} is a link to ${target}, which is not in the context`,
      "mend the link, or name what it should lead to",
    );
  }
  const suggestion = didYouMean(name, names);
  return new ContextTrouble(
    "SourceNotFound",
    `${written} is not in the context`,
    suggestion ?? `looked in ${tree.hostPath(directory)}`,
  );
}

/** The first part of a path that is not there, and the directory in which it is missing. */
function firstMissing(tree: ContextTree, path: string): { directory: string; name: string } {
  const parts = path.split("/");
  const last = parts.pop() ?? path;
  let directory = "";
  for (const name of parts) {
    if (!tree.namesIn(directory).includes(name)) return { directory, name };
    directory = join(directory, name);
  }
  return { directory, name: last };
}
