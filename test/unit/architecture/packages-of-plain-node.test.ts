import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const sourceRoot = fileURLToPath(new URL("../../../src", import.meta.url));

/** What the sources take of packages: each package with the names of its exports. */
function namesTaken(): ReadonlyMap<string, ReadonlySet<string>> {
  const taken = new Map<string, Set<string>>();
  for (const path of readdirSync(sourceRoot, { recursive: true, encoding: "utf8" })) {
    if (!path.endsWith(".ts")) continue;
    for (const { from, names } of importsOf(readFileSync(join(sourceRoot, path), "utf8"))) {
      const known = taken.get(from) ?? new Set();
      for (const name of names) known.add(name);
      taken.set(from, known);
    }
  }
  return taken;
}

const staticForm = /^(?:import|export)\s+(?!type\b)([^;"']*?)\s*from\s+"([^."][^"]*)"/gm;
const dynamicForm = /(?:(\{[^{}]*\})\s*=\s*)?await import\("([^."][^"]*)"\)/g;

function importsOf(text: string): readonly { readonly from: string; readonly names: readonly string[] }[] {
  return [...text.matchAll(staticForm), ...text.matchAll(dynamicForm)]
    .map(([, clause = "", from = ""]) => ({ from, names: namesIn(clause) }))
    .filter(({ from }) => !from.startsWith("node:"));
}

/** The exports that `a, { b, type C, d as e }` or `{ default: a, b }` takes. */
function namesIn(clause: string): readonly string[] {
  const [, before = "", within = ""] = /^([^{]*)(?:\{([^}]*)\})?/.exec(clause) ?? [];
  const listed = within
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "" && !item.startsWith("type "))
    .map((item) => item.split(/\s+as\s+|\s*:\s*/)[0] ?? item);
  return /^[A-Za-z_$]/.test(before) ? ["default", ...listed] : listed;
}

/** Vitest and esbuild find exports of CommonJS packages that Node.js does not. */
test("plain Node.js finds every export of a package that the sources take", async () => {
  const taken = namesTaken();
  expect([...(taken.get("tar-stream") ?? [])].sort()).toEqual(["extract", "pack"]);
  expect([...(taken.get("xz-decompress") ?? [])]).toEqual(["default"]);
  const wanted = JSON.stringify([...taken].map(([from, names]) => [from, [...names]]));
  const script = `
    const missing = [];
    for (const [from, names] of ${wanted}) {
      const found = await import(from);
      for (const name of names) if (!(name in found)) missing.push(from + ": " + name);
    }
    console.log(JSON.stringify(missing));
    process.exit();`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: sourceRoot,
  });
  expect(JSON.parse(stdout)).toEqual([]);
});
