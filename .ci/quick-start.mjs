// What makes the bundle start fast: a cached bake takes about as long as Node.js takes to load it.
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { join } from "node:path";

/** Slow to load, and needed by few commands: each is loaded when something of it is first used. */
export const lazyBuiltins = [
  "child_process",
  "crypto",
  "fs/promises",
  "http",
  "https",
  "net",
  "tls",
  "worker_threads",
  "zlib",
];

/**
 * Node.js's own modules as plain objects: an import statement of Node.js reads all that a module exports, which loads
 * much that nobody needs.
 */
export const plainBuiltins = {
  name: "plain-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z_:/0-9]+$/ }, ({ path, kind, importer }) => {
      if (!isBuiltin(path) || kind === "dynamic-import") return undefined;
      const name = path.replace(/^node:/, "");
      if (lazyBuiltins.includes(name)) return { path: name, namespace: "lazy-builtin" };
      const namespace = kind === "require-call" ? "required-builtin" : "imported-builtin";
      // A few words, in each file that imports it: what files share becomes a chunk, which takes longer to load.
      return { path: name, namespace, suffix: `?${importer}` };
    });
    onLoad({ filter: /.*/, namespace: "lazy-builtin" }, ({ path }) => {
      const members = namesIn(path).map((name) => `get ${name}() { return ${expressionFor(path)}.${name}; }`);
      return { contents: `module.exports = { ${members.join(", ")} };` };
    });
    onLoad({ filter: /.*/, namespace: "required-builtin" }, ({ path }) => {
      return { contents: `module.exports = ${expressionFor(path)};` };
    });
    onLoad({ filter: /.*/, namespace: "imported-builtin" }, ({ path }) => {
      // Marked as pure, so that those which nobody imports are left out.
      const members = namesIn(path).map(
        (name) => `export const ${name} = /* @__PURE__ */ (() => all.${name})();`,
      );
      return {
        contents: [`const all = ${expressionFor(path)};`, "export default all;", ...members].join("\n"),
      };
    });
  },
};

function expressionFor(name) {
  return `process.getBuiltinModule("node:${name}")`;
}

function namesIn(name) {
  const isOrdinary = (member) => /^[A-Za-z]\w*$/.test(member) && member !== "default" && member !== "all";
  return Object.keys(process.getBuiltinModule(`node:${name}`)).filter(isOrdinary);
}

/** Leaves out of the bundle what stands in a file of its own beside it. */
export function outside(files) {
  return {
    name: "outside",
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ path }) =>
        Object.hasOwn(files, path) ? { path: files[path], external: true } : undefined,
      );
    },
  };
}

/**
 * esbuild makes a chunk of the files that the same entries import. Here every entry imports what the main program
 * does (which imports `mainAlso`, too), those that share files with a bake import all the shared ones, and those that parse a Lightfile import all
 * that a bake does. So the dozens of small chunks that a bake needs become a few.
 */
export function mergeChunks({ inputs, outputs }, { root, main, mainAlso, bake, parser }) {
  const reach = (entries) => {
    const reached = new Set(entries);
    for (const file of reached) {
      for (const { path, kind } of inputs[file]?.imports ?? [])
        if (kind !== "dynamic-import") reached.add(path);
    }
    return reached;
  };
  const entries = Object.values(outputs).flatMap(({ entryPoint }) => entryPoint ?? []);
  const others = entries.filter((entry) => entry !== main);
  const ofMain = reach([main]);
  const isOfBake = (entry) => bake.includes(entry) || reach([entry]).has(parser);
  const elsewhere = reach(others.filter((entry) => !isOfBake(entry)));
  const isShared = (file) => elsewhere.has(file) && !ofMain.has(file) && !bake.includes(file);
  const shared = [...reach(bake)].filter((file) => file.startsWith("src/") && isShared(file));
  const isSharing = (entry) => shared.some((file) => reach([entry]).has(file));
  const added = new Map(
    others.map((entry) => [
      join(root, entry),
      [main, ...(isOfBake(entry) ? bake : isSharing(entry) ? shared : [])].map((file) => join(root, file)),
    ]),
  );
  added.set(join(root, main), mainAlso);
  return {
    name: "merge-chunks",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const files = added.get(path)?.filter((file) => file !== path);
        if (files === undefined) return undefined;
        const imports = files.map((file) => `import ${JSON.stringify(file)};`);
        return { contents: [await readFile(path, "utf8"), ...imports].join("\n"), loader: "ts" };
      });
    },
  };
}
