import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../../src/diagnostics/diagnostic.ts";
import { imagesOf } from "../../../src/graph/base-references.ts";
import { Program } from "../../../src/graph/link/program.ts";
import { errorRanges } from "../../../src/graph/parse-mistakes.ts";
import { planSteps } from "../../../src/graph/plan-steps.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { planJoined } from "../../../src/sources/plan-joined.ts";
import { testImage } from "../../support/planned.ts";
import { codesIn, printed } from "../../support/printed-diagnostics.ts";

/**
 * Each folder is a case: a Lightfile, those that it joins, and in diagnostics.txt what is said of them as people read
 * it: what reading the files says, and what planning adds once the images are known, which have TOOLS and SUFFIX in their
 * environment. `vitest run test/golden --update` writes them anew; look at what changed.
 */
const folder = fileURLToPath(new URL(".", import.meta.url));
const cases = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

async function diagnosticsOf(name: string): Promise<readonly Diagnostic[]> {
  const directory = join(folder, name);
  const path = join(directory, "Lightfile");
  const { value: tree, diagnostics } = parseLightfile({ path: "Lightfile", text: readFileSync(path, "utf8") });
  const context = { directory, lightfilePath: path };
  const parseErrors = errorRanges(diagnostics);
  const program = new Program({ identity: path, tree, context, parseErrors }, {});
  const options = { buildArguments: {}, target: null, platform: "linux/amd64", everyStage: true };
  const { signal } = new AbortController();
  const git = { fetch: async () => null };
  const { draft, own, elsewhere } = await planJoined(program, options, { git, signal });
  const environment = { TOOLS: "tools:1", SUFFIX: ".x" };
  const bases = new Map(
    imagesOf(draft).map(({ reference }) => [reference, testImage(reference, { configuration: { environment } })]),
  );
  const planned = planSteps(program, { ...options, bases });
  return withoutRepeats([...diagnostics, ...own, ...elsewhere, ...planned.diagnostics]);
}

/** Planning tells once more what could be told without images. */
function withoutRepeats(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const told = new Map(
    diagnostics.map((one) => [JSON.stringify([one.source.path, one.range, one.code, one.message]), one]),
  );
  return [...told.values()].sort((left, right) => {
    if (left.source.path !== right.source.path) return left.source.path < right.source.path ? -1 : 1;
    return left.range.start - right.range.start;
  });
}

describe.each(cases)("%s", (name) => {
  test("has the diagnostics of diagnostics.txt", async () => {
    await expect(printed(await diagnosticsOf(name))).toMatchFileSnapshot(join(folder, name, "diagnostics.txt"));
  });
});

test("the cases together hold every diagnostic of linking and planning", () => {
  const texts = cases.map((name) => readFileSync(join(folder, name, "diagnostics.txt"), "utf8")).join("\n");
  const found = new Set(codesIn(texts));
  const codes = new Set(
    plannerSources().flatMap((text) =>
      [...text.matchAll(/\.(?:error|warning)\(\s*"([A-Z]\w+)"/g)].map(([, code]) => code),
    ),
  );
  expect(codes.size).toBeGreaterThan(50);
  expect([...codes].filter((code) => code !== undefined && !found.has(code) && !elsewhere.has(code))).toEqual([]);
});

/** Those that a golden cannot show, with the test that does. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ["TooManyFiles", "more files than a repository should have: graph/linking.test.ts"],
  ["TooManyMixins", "more mixins than anyone would read: graph/linking-mixins.test.ts"],
  ["OutsideRepository", "needs a repository: sources/load-program.test.ts"],
  ["NoStage", "a file without stages has nothing else wrong: graph/mistakes.test.ts"],
  ["UndeclaredBuildArgument", "needs a command line: graph/arguments.test.ts"],
]);

function plannerSources(): readonly string[] {
  const sources = fileURLToPath(new URL("../../../src/graph/", import.meta.url));
  return readdirSync(sources, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(sources, name), "utf8"));
}
