// Makes dist/, which the extension is packaged from. `vsce package` calls it (README.md).
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = process.argv[2] ?? join(here, "dist");

mkdirSync(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: ["extension.ts"],
  outfile: join(out, "extension.cjs"),
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20",
  external: ["vscode"],
  minifySyntax: true,
  logLevel: "warning",
});
copyFileSync(join(here, "..", "lightfile.tmLanguage.json"), join(out, "lightfile.tmLanguage.json"));
