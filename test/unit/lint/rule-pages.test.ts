import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { lint } from "../../../src/lint/lint.ts";
import { rules } from "../../../src/lint/rules.ts";

const folder = new URL("../../../docs/rules/", import.meta.url);

/** What these say depends on the context or the command line: see their own tests. */
const beyondTheText = new Set(["CopyIgnoredFile", "UndeclaredBuildArgument", "WildcardMatchesNothing"]);

async function readExamples(name: string): Promise<{ bad: string; good: string; page: string }> {
  const page = await readFile(new URL(`${name}.md`, folder), "utf8");
  const [bad = "", good = ""] = [...page.matchAll(/```Dockerfile\n([\s\S]*?)```/g)].map((match) => match[1]);
  return { bad, good, page };
}

describe("the pages in docs/rules", () => {
  test("are one for each rule", async () => {
    const pages = (await readdir(folder)).filter(
      (name) => /^[A-Z].*\.md$/.test(name) && name !== "README.md",
    );
    expect(pages.sort()).toEqual(rules.map(({ name }) => `${name}.md`).sort());
  });

  test("are listed in docs/rules/README.md with what the rules say of themselves", async () => {
    const page = await readFile(new URL("README.md", folder), "utf8");
    for (const { name, summary } of rules) expect(page).toContain(`| [${name}](${name}.md) | ${summary} |`);
  });

  for (const { name } of rules) {
    test(`${name} has an example that it speaks about, and one that it does not`, async () => {
      const { bad, good, page } = await readExamples(name);
      expect(page.startsWith(`# ${name}\n`)).toBe(true);
      expect(page).toContain("\n## Why\n\n");
      expect(lint(good).map(({ code, message }) => `${code}: ${message}`)).toEqual([]);
      const found = lint(bad).map(({ code }) => code);
      expect([...new Set(found)]).toEqual(beyondTheText.has(name) ? [] : [name]);
    });
  }
});
