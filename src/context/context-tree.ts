import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { systemErrorCode } from "../diagnostics/failure.ts";
import type { Evidence } from "../model/evidence.ts";
import { isMissing } from "../model/present-files.ts";
import type { ContextIgnore } from "./context-ignore.ts";
import { ContextTrouble, readTrouble, vanished } from "./context-trouble.ts";
import { type FileFacts, fileFacts } from "./file-facts.ts";
import { followLinks } from "./follow-links.ts";
import type { TreeNode } from "./tree-node.ts";

/** Something in a directory of the context, of use to a COPY or not. */
type ListedNode =
  | TreeNode
  | { readonly kind: "unusable"; readonly path: string; readonly trouble: ContextTrouble };

/**
 * The context directory as COPY sees it. Reads are synchronous, since that takes two thirds of the time of
 * asynchronous ones for tens of thousands of small files, and each directory is read once however many
 * instructions select from it; whoever walks a large tree lets the event loop turn in between.
 */
export class ContextTree {
  /** Absolute, without links. */
  readonly root: string;
  readonly ignore: ContextIgnore;
  readonly #nodes = new Map<string, TreeNode>();
  readonly #children = new Map<string, readonly ListedNode[]>();
  readonly #absent = new Set<string>();
  readonly #links = new Map<string, FileFacts>();

  constructor(root: string, ignore: ContextIgnore) {
    this.root = root;
    this.ignore = ignore;
  }

  hostPath(path: string): string {
    return path === "" ? this.root : `${this.root}/${path}`;
  }

  /**
   * Follows every link of a path that is clean and relative to the root, and gives what is there; undefined
   * when nothing is, or it is ignored.
   *
   * @throws ContextTrouble for links that loop or leave the context, and what cannot be read
   */
  resolve(path: string): TreeNode | undefined {
    return this.#resolve(path, false);
  }

  /** As {@link resolve}; undefined for anything else than a directory, also for what could not be copied. */
  resolveDirectory(path: string): (TreeNode & { readonly kind: "directory" }) | undefined {
    const node = this.#resolve(path, true);
    return node?.kind === "directory" ? node : undefined;
  }

  #resolve(path: string, asDirectory: boolean): TreeNode | undefined {
    const found = followLinks(path, (place, isOnTheWay) =>
      isOnTheWay || asDirectory ? this.#passable(place) : this.#node(place),
    );
    return found === undefined || this.#isLeftOut(found) ? undefined : found;
  }

  /**
   * What a directory holds, ignored things left out, sorted by name.
   * @throws ContextTrouble for what cannot be read, and when one of these things cannot be copied
   */
  list(path: string): readonly TreeNode[] {
    return this.#list(path).map((node) => {
      if (node.kind === "unusable") throw node.trouble;
      return node;
    });
  }

  /** The names in a directory, ignored ones left out, sorted; also of what could not be copied. */
  listNames(path: string): readonly string[] {
    const start = path === "" ? 0 : path.length + 1;
    return this.#list(path).map((node) => node.path.slice(start));
  }

  /** The names of the directories in a directory, ignored ones and links left out, sorted. */
  listDirectories(path: string): readonly string[] {
    const start = path === "" ? 0 : path.length + 1;
    return this.#list(path).flatMap((node) => (node.kind === "directory" ? [node.path.slice(start)] : []));
  }

  #list(path: string): readonly ListedNode[] {
    const known = this.#children.get(path);
    if (known !== undefined) return known;
    const children = readable(path, () => readdirSync(this.hostPath(path), { withFileTypes: true }));
    const nodes: ListedNode[] = [];
    for (const child of children) {
      const childPath = path === "" ? child.name : `${path}/${child.name}`;
      if (child.isDirectory()) {
        const node = { kind: "directory", path: childPath } as const;
        if (!this.#isLeftOut(node)) nodes.push(node);
      } else if (!this.ignore.isIgnored(childPath)) {
        nodes.push(this.#listed(childPath));
      }
    }
    nodes.sort((left, right) => (left.path < right.path ? -1 : 1));
    this.#children.set(path, nodes);
    return nodes;
  }

  /** What cannot be copied only matters to those who select it. */
  #listed(path: string): ListedNode {
    try {
      const node = this.#node(path);
      return node ?? { kind: "unusable", path, trouble: vanished(path) };
    } catch (error) {
      if (!(error instanceof ContextTrouble)) throw error;
      return { kind: "unusable", path, trouble: error };
    }
  }

  /** The names in a directory, ignored ones too: for suggestions. */
  namesIn(path: string): readonly string[] {
    try {
      return readdirSync(this.hostPath(path));
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      // Only a suggestion is lost.
      return [];
    }
  }

  /** What is written in a link of the context; null for anything else. */
  linkTarget(path: string): string | null {
    const node = this.#passable(path);
    return node?.kind === "symlink" ? node.target : null;
  }

  /** True for an ignored path that is there all the same. */
  isHidden(path: string): boolean {
    return this.ignore.isIgnored(path) && this.#stat(path) !== undefined;
  }

  /** An ignored directory is there all the same when a later line takes back something below it. */
  #isLeftOut(node: TreeNode): boolean {
    if (node.path === "" || !this.ignore.isIgnored(node.path)) return false;
    if (node.kind !== "directory" || this.ignore.canSkipDirectory(node.path)) return true;
    return this.#list(node.path).length === 0;
  }

  #node(path: string): TreeNode | undefined {
    const known = this.#nodes.get(path);
    if (known !== undefined) return known;
    const stats = this.#stat(path);
    if (stats === undefined) {
      this.#absent.add(path);
      return undefined;
    }
    const node = this.#toNode(path, stats);
    this.#nodes.set(path, node);
    return node;
  }

  /** Something with a path below it: not a pipe or a device. */
  #passable(path: string): TreeNode | undefined {
    try {
      return this.#node(path);
    } catch (error) {
      if (error instanceof ContextTrouble && error.code === "UnsupportedFileType") return undefined;
      throw error;
    }
  }

  #toNode(path: string, stats: Stats): TreeNode {
    if (stats.isFile()) return { kind: "file", path, facts: fileFacts(stats), digest: null };
    if (stats.isDirectory()) return { kind: "directory", path };
    if (stats.isSymbolicLink()) {
      this.#links.set(path, fileFacts(stats));
      return { kind: "symlink", path, target: readable(path, () => readlinkSync(this.hostPath(path))) };
    }
    throw new ContextTrouble(
      "UnsupportedFileType",
      `${path} is ${specialKind(stats)}, which cannot be copied`,
      "remove it, or name it in .lightignore",
    );
  }

  /** All that was looked at so far: while that is as it was, whoever looks again sees the same. */
  evidence(): readonly Evidence[] {
    const seen: Evidence[] = [{ kind: "place", path: this.root }];
    for (const path of this.#children.keys()) seen.push({ kind: "content", path: this.hostPath(path) });
    for (const path of this.#absent) seen.push({ kind: "absent", path: this.hostPath(path) });
    for (const node of this.#nodes.values()) {
      const path = this.hostPath(node.path);
      const facts = node.kind === "file" ? node.facts : this.#links.get(node.path);
      if (facts !== undefined) seen.push({ kind: "entry", path, facts });
      else if (!this.#children.has(node.path)) seen.push({ kind: "place", path });
    }
    return seen;
  }

  #stat(path: string): Stats | undefined {
    return readable(path, () => {
      try {
        return lstatSync(this.hostPath(path), { throwIfNoEntry: false });
      } catch (error) {
        // Below a file there is nothing.
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }
}

function specialKind(stats: Stats): string {
  if (stats.isSocket()) return "a socket";
  if (stats.isFIFO()) return "a named pipe";
  return "a device";
}

/** Runs a read; trouble with permissions and the like becomes a {@link ContextTrouble} that names the path. */
function readable<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw readTrouble(path, error);
  }
}
