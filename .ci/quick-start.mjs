// What makes the bundle start fast: a cached bake takes about as long as Node.js takes to load it.
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { join } from "node:path";

/** Slow to load, and needed by few commands: each is loaded when something of it is first used. */
const lazyBuiltins = [
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

/** Node.js's own modules as plain objects: an import statement would read all their exports, and so load the rest. */
export const plainBuiltins = {
  name: "plain-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z_:/0-9]+$/ }, ({ path, kind }) => {
      if (!isBuiltin(path) || kind === "dynamic-import") return undefined;
      return { path: path.replace(/^node:/, ""), namespace: "builtin" };
    });
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => {
      const module = `process.getBuiltinModule("node:${path}")`;
      if (!lazyBuiltins.includes(path)) return { contents: `module.exports = ${module};` };
      const names = Object.keys(process.getBuiltinModule(path)).map((name) => JSON.stringify(name));
      const members = names.map((name) => `get ${name}() { return ${module}[${name}]; }`);
      return { contents: `module.exports = { ${members.join(", ")} };` };
    });
  },
};

/**
 * esbuild makes a chunk of the files that the same entries import. Here every entry imports what the main program
 * does, those that share files with a bake import all the shared ones, and those that parse a Lightfile import all
 * that a bake does. So the dozens of small chunks that a bake needs become a few.
 */
export function mergeChunks({ inputs, outputs }, { root, main, bake, parser, untouched }) {
  const reach = (entries) => {
    const reached = new Set(entries);
    for (const file of reached) {
      for (const { path, kind } of inputs[file]?.imports ?? [])
        if (kind !== "dynamic-import") reached.add(path);
    }
    return reached;
  };
  const entries = Object.values(outputs).flatMap(({ entryPoint }) => entryPoint ?? []);
  const others = entries.filter((entry) => entry !== main && !untouched.includes(entry));
  const ofMain = reach([main]);
  const isOfBake = (entry) => bake.includes(entry) || reach([entry]).has(parser);
  const elsewhere = reach(others.filter((entry) => !isOfBake(entry)));
  const isShared = (file) => elsewhere.has(file) && !ofMain.has(file) && !bake.includes(file);
  const shared = [...reach(bake)].filter((file) => file.startsWith("src/") && isShared(file));
  const isSharing = (entry) => shared.some((file) => reach([entry]).has(file));
  const added = new Map(
    others.map((entry) => [
      join(root, entry),
      [main, ...(isOfBake(entry) ? bake : isSharing(entry) ? shared : [])],
    ]),
  );
  return {
    name: "merge-chunks",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const files = added
          .get(path)
          ?.map((file) => join(root, file))
          .filter((file) => file !== path);
        if (files === undefined) return undefined;
        const imports = files.map((file) => `import ${JSON.stringify(file)};`);
        return { contents: [await readFile(path, "utf8"), ...imports].join("\n"), loader: "ts" };
      });
    },
  };
}
