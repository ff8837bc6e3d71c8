import { ContextTrouble } from "./context-trouble.ts";
import { parentOf, type TreeNode } from "./tree-node.ts";

/** As Linux: more links than this on the way to a file are a loop. */
const mostLinks = 40;

/**
 * Follows every link of a path that is clean and relative to the root, and gives what is there; undefined when nothing
 * is. `nodeAt` says what is at a place without following, and is told whether there is more of the path below it.
 *
 * @throws ContextTrouble for links that loop or leave the context
 */
export function followLinks(
  path: string,
  nodeAt: (path: string, isOnTheWay: boolean) => TreeNode | undefined,
): TreeNode | undefined {
  const waiting = segmentsOf(path).reverse();
  let links = 0;
  let at: TreeNode = { kind: "directory", path: "" };
  for (let segment = waiting.pop(); segment !== undefined; segment = waiting.pop()) {
    if (at.kind !== "directory") return undefined;
    if (segment === "..") {
      at = { kind: "directory", path: parentOf(at.path) };
      continue;
    }
    const nextPath: string = at.path === "" ? segment : `${at.path}/${segment}`;
    const next: TreeNode | undefined = nodeAt(nextPath, waiting.length > 0);
    if (next === undefined) return undefined;
    if (next.kind !== "symlink") {
      at = next;
      continue;
    }
    links += 1;
    if (links > mostLinks) {
      throw new ContextTrouble(
        "SymlinkLoop",
        `the links at ${path} lead round in a circle`,
        "mend the links, or copy the file that they should lead to",
      );
    }
    waiting.push(...linkSegments(next, at.path).reverse());
  }
  return at;
}

/** Where a link leads, from the directory that it is in. */
function linkSegments(link: TreeNode & { kind: "symlink" }, directory: string): string[] {
  if (link.target.startsWith("/")) throw outside(link);
  const segments = segmentsOf(link.target);
  let depth = segmentsOf(directory).length;
  for (const segment of segments) {
    depth += segment === ".." ? -1 : 1;
    if (depth < 0) throw outside(link);
  }
  return segments;
}

function segmentsOf(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "" && segment !== ".");
}

function outside(link: { readonly path: string; readonly target: string }): ContextTrouble {
  return new ContextTrouble(
    "OutsideContext",
    `${link.path} is a link out of the context, to ${link.target}`,
    "copy the file into the context, or choose a context that holds both",
  );
}
