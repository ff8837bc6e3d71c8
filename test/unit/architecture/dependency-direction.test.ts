import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const sourceRoot = fileURLToPath(new URL("../../../src", import.meta.url));

/** Which parts a part may import (itself always). docs/architecture.md draws this table. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  diagnostics: [],
  model: ["diagnostics"],
  lightfile: ["diagnostics"],
  graph: ["lightfile", "model", "diagnostics"],
  archives: ["diagnostics"],
  context: ["archives", "graph", "lightfile", "model", "diagnostics"],
  layers: ["model", "diagnostics"],
  images: ["model", "diagnostics"],
  worker: ["archives", "layers", "images", "lightfile", "model", "diagnostics"],
  machine: ["worker", "images", "model", "diagnostics"],
  sources: ["graph", "lightfile", "model", "diagnostics"],
  bake: ["sources", "context", "graph", "lightfile", "worker", "model", "diagnostics"],
  sandboxes: ["worker", "model", "diagnostics"],
  host: ["bake", "machine", "worker", "images", "layers", "model", "diagnostics"],
  library: ["host", "sandboxes", "render", "bake", "machine", "worker", "model", "diagnostics"],
  import: ["graph", "lightfile", "diagnostics"],
  lint: ["graph", "lightfile", "model", "diagnostics"],
  "language-server": ["context", "lint", "sources", "graph", "lightfile", "diagnostics"],
  render: ["bake", "graph", "lightfile", "model", "diagnostics"],
  cli: [
    "host",
    "sandboxes",
    "render",
    "lint",
    "language-server",
    "bake",
    "machine",
    "worker",
    "images",
    "layers",
    "sources",
    "context",
    "graph",
    "import",
    "lightfile",
    "model",
    "diagnostics",
  ],
};

/** Packages that only one part may import (and the probe, in a process of its own, the SDK). */
const owners: Readonly<Record<string, readonly string[]>> = {
  chevrotain: ["lightfile/"],
  microsandbox: ["worker/local/microvm/microsandbox", "machine/probe-child"],
  commander: ["cli/"],
  "log-update": ["render/"],
  "vscode-languageserver/node": ["language-server/", "cli/actions/serve-editor"],
};

/** The worker's interface, and what is written with it alone. */
const overWorkerInterface = ["worker.ts", "collect-exec.ts"];

interface Import {
  readonly from: string;
  readonly specifier: string;
}

function importsOfSource(): Import[] {
  const imports: Import[] = [];
  for (const entry of readdirSync(sourceRoot, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const path = join(entry.parentPath, entry.name);
    const text = readFileSync(path, "utf8");
    for (const match of text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)"([^"]+)"/gm)) {
      if (match[1] !== undefined) imports.push({ from: path, specifier: match[1] });
    }
  }
  return imports;
}

function folderOf(path: string): string {
  return relative(sourceRoot, path).split(sep).slice(0, -1).join("/");
}

const imports = importsOfSource();
const internal = imports.filter(
  (found) => found.specifier.startsWith(".") && found.specifier.endsWith(".ts"),
);

describe("the folders of src", () => {
  test("import only the parts below them", () => {
    const wrong = internal.flatMap(({ from, specifier }) => {
      const part = folderOf(from).split("/")[0] ?? "";
      const target = folderOf(join(dirname(from), specifier)).split("/")[0] ?? "";
      if (part === "" || part === target) return [];
      return allowed[part]?.includes(target) ? [] : [`${relative(sourceRoot, from)} imports ${specifier}`];
    });
    expect(wrong).toEqual([]);
  });

  test("are all in the table", () => {
    const parts = readdirSync(sourceRoot, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(parts.map((part) => part.name).sort()).toEqual(Object.keys(allowed).sort());
  });

  test("know the worker only by its interface, except where workers are made", () => {
    const wrong = internal.filter(
      ({ from, specifier }) =>
        ["bake", "render", "sandboxes", "library"].includes(folderOf(from).split("/")[0] ?? "") &&
        /\/worker\//.test(specifier) &&
        !overWorkerInterface.some((file) => specifier.endsWith(`/worker/${file}`)),
    );
    expect(wrong).toEqual([]);
  });

  test("leave a package to the one part that owns it", () => {
    const wrong = imports.filter(({ from, specifier }) => {
      const file = relative(sourceRoot, from).split(sep).join("/");
      return owners[specifier]?.some((owner) => file.startsWith(owner)) === false;
    });
    expect(wrong).toEqual([]);
  });

  test("have no import cycles between files", () => {
    const edges = internal.map(({ from, specifier }) => [from, join(dirname(from), specifier)] as const);
    const loop = cycleIn(edges);
    expect(loop.map((file) => relative(sourceRoot, file))).toEqual([]);
  });

  test("beside each other import one way", () => {
    const edges = internal.flatMap(({ from, specifier }) => {
      const importer = folderOf(from).split("/");
      const imported = folderOf(join(dirname(from), specifier)).split("/");
      const depth = importer.findIndex((name, index) => name !== imported[index]);
      const ends = [importer, imported].map((names) => names.slice(0, depth + 1).join("/"));
      // Not beside each other: one folder holds the other.
      if (depth === -1 || importer.length <= depth || imported.length <= depth) return [];
      return [[ends[0] ?? "", ends[1] ?? ""] as const];
    });
    expect(cycleIn(edges)).toEqual([]);
  });
});

/** The first loop, from a node back to itself; empty when there is none. */
function cycleIn(edges: readonly (readonly [from: string, to: string])[]): readonly string[] {
  const targets = Map.groupBy(edges, ([from]) => from);
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): readonly string[] => {
    if (trail.includes(node)) return [...trail.slice(trail.indexOf(node)), node];
    if (done.has(node)) return [];
    for (const [, next] of targets.get(node) ?? []) {
      const loop = visit(next, [...trail, node]);
      if (loop.length > 0) return loop;
    }
    done.add(node);
    return [];
  };
  for (const node of targets.keys()) {
    const loop = visit(node, []);
    if (loop.length > 0) return loop;
  }
  return [];
}
