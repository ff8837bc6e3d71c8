import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const sourceRoot = fileURLToPath(new URL("../../../src", import.meta.url));

/** Where the code begins that a bake loads when every step is cached. */
const loadedByCachedBake = ["cli/main.ts", "cli/actions/run-bake.ts", "host/local-layer-lookup.ts"];

/** Imports that load at once: neither those of types nor those that are awaited where they are used. */
function importsAtOnce(path: string): readonly string[] {
  const text = readFileSync(path, "utf8");
  const form = /^(?:(?:import|export)(?!\s+type\b)\s[\w\s{},*]*?\bfrom\s+|import\s+)"([^"]+)"/gm;
  return [...text.matchAll(form)].map(([, specifier = ""]) => specifier);
}

/** Each package with the file that imports it first. */
function packagesOf(entries: readonly string[]): ReadonlyMap<string, string> {
  const packages = new Map<string, string>();
  const seen = new Set(entries.map((entry) => join(sourceRoot, entry)));
  for (const path of seen) {
    for (const specifier of importsAtOnce(path)) {
      if (specifier.startsWith(".") && specifier.endsWith(".ts")) seen.add(join(dirname(path), specifier));
      else if (!packages.has(specifier)) packages.set(specifier, path);
    }
  }
  return packages;
}

test("a cached bake does not load what only writes files", () => {
  const packages = packagesOf(loadedByCachedBake);
  expect(packages.has("commander")).toBe(true);
  expect(packages.get("write-file-atomic")).toBeUndefined();
});
