// Bundles the command line and the library into dist/. With --types it writes the declarations as well.
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { lazyBuiltins, mergeChunks, outside, plainBuiltins } from "./quick-start.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, "dist");
rmSync(out, { recursive: true, force: true });

// Some bundled packages are CommonJS: they call require() for Node.js's own modules, and one asks for its file's name.
const commonJsNames = [
  'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);',
  "const __filename = import.meta.filename;",
].join("\n");

const shared = {
  absWorkingDir: root,
  outdir: out,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node22.12",
  // The SDK has a native addon, and the others are optional native speed-ups of packages that work without.
  external: ["microsandbox", "bufferutil", "utf-8-validate", "cbor-extract"],
  banner: { js: commonJsNames },
  legalComments: "linked",
  sourcemap: false,
  minifySyntax: true,
  // Less to read at each start; names stay, for the stack traces of bugs.
  minifyWhitespace: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  logLevel: "warning",
};
const library = {
  index: "src/index.ts",
  presets: "src/presets.ts",
  lightfile: "src/lightfile-api.ts",
};
await build({ ...shared, entryPoints: library, plugins: [plainBuiltins] });

// Apart from the library: what the two share would be chunks of their own, each of which takes time to load.
const commandLine = { ...shared, entryPoints: { main: "src/cli/main.ts" } };
const { metafile } = await build({
  ...commandLine,
  plugins: [plainBuiltins],
  metafile: true,
  write: false,
});
const merging = mergeChunks(metafile, {
  root,
  main: "src/cli/main.ts",
  mainAlso: lazyBuiltins,
  bake: [
    "src/cli/actions/run-bake.ts",
    "src/cli/remembered/remember-bake.ts",
    "src/images/image-source.ts",
    "src/render/plain.ts",
    "src/render/quiet.ts",
  ],
  parser: "src/lightfile/parse.ts",
});
await build({ ...commandLine, plugins: [plainBuiltins, merging] });
// What answers a bake from memory shares no file with the rest: one small file is read for it, and for a terminal one more.
const separate = outside({
  "./main.ts": "./main.js",
  "./remembered/recall-bake.ts": "./recall-bake.js",
  "./live.ts": "./live.js",
});
await build({
  ...shared,
  splitting: false,
  entryPoints: {
    cli: "src/cli/start.ts",
    "recall-bake": "src/cli/remembered/recall-bake.ts",
    live: "src/render/live.ts",
  },
  plugins: [separate, plainBuiltins],
});
chmodSync(join(out, "cli.js"), 0o755);

if (process.argv.includes("--types")) {
  const result = spawnSync(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "tsconfig.build.json")],
    {
      stdio: "inherit",
    },
  );
  process.exitCode = result.status ?? 1;
}
