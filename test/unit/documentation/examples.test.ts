import { readdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { planText, shown } from "../../support/planned.ts";

const folder = new URL("../../../examples/", import.meta.url);
const names = (await readdir(folder, { recursive: true }))
  .filter((name) => /(?:^|\/)(?:Lightfile|Dockerfile)$/.test(name))
  .sort();
const texts = new Map(
  await Promise.all(
    names.map(async (name) => [`/${name}`, await readFile(new URL(name, folder), "utf8")] as const),
  ),
);

describe("the examples", () => {
  for (const [path, text] of texts) {
    test(`${path.slice(1)} has no mistakes and no warnings`, () => {
      const files = Object.fromEntries(texts);
      const { plan, diagnostics } = planText(text, { files, contextDirectory: dirname(path) });
      const isMixinsOnly = !/^FROM /m.test(text);
      expect(shown(diagnostics.filter(({ code }) => !(isMixinsOnly && code === "NoStage")))).toEqual([]);
      if (!isMixinsOnly) expect(plan?.stages.length).toBeGreaterThan(0);
    });
  }
});
