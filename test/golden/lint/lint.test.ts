import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { fixText } from "../../../src/lint/fix-text.ts";
import { lint } from "../../../src/lint/lint.ts";
import { rules } from "../../../src/lint/rules.ts";
import { codesIn, printed } from "../../support/printed-diagnostics.ts";

/**
 * Each folder is a case: a Lightfile, in diagnostics.txt what the rules say of it as people read it, and in fixed.txt
 * the file after `check --fix`. `vitest run test/golden --update` writes them anew; look at what changed.
 */
const folder = fileURLToPath(new URL(".", import.meta.url));
const cases = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

describe.each(cases)("%s", (name) => {
  const source = { path: "Lightfile", text: readFileSync(join(folder, name, "Lightfile"), "utf8") };

  test("has the findings of diagnostics.txt", async () => {
    await expect(printed(lint(source))).toMatchFileSnapshot(join(folder, name, "diagnostics.txt"));
  });

  test("is fixed as in fixed.txt", async () => {
    await expect(fixText(source).text).toMatchFileSnapshot(join(folder, name, "fixed.txt"));
  });
});

/** Those that a golden cannot show, with the test that does. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ["CopyIgnoredFile", "needs a context: golden/context"],
  ["WildcardMatchesNothing", "needs a context: golden/context"],
  ["UndeclaredBuildArgument", "needs a command line: graph/arguments.test.ts"],
]);

test("the cases together hold every rule of check", () => {
  const texts = cases.map((name) => readFileSync(join(folder, name, "diagnostics.txt"), "utf8")).join("\n");
  const found = new Set(codesIn(texts));
  const names = rules.map(({ name }) => name);
  expect(names.filter((name) => !found.has(name) && !elsewhere.has(name))).toEqual([]);
});
