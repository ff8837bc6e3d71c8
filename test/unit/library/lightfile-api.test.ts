// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are substitutions of the Lightfile language
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import * as api from "../../../src/lightfile-api.ts";

const require = createRequire(import.meta.url);

describe("lightbox/lightfile", () => {
  test("parses text and named sources", () => {
    expect(api.parse("FROM a").instructions.map(({ keyword, args }) => [keyword, ...args])).toEqual([
      ["FROM", "a"],
    ]);
    expect(api.parseTree({ path: "x", text: "FROM a AS b" }).value.instructions[0]).toMatchObject({
      kind: "from",
      alias: { text: "b", range: { start: 10, end: 11 } },
    });
  });

  test("expands words with a plain environment, whose prototype sets nothing", () => {
    expect(api.expandWord("${A:-x}$B'$A'${toString-unset}", { B: "b", A: undefined }, { escape: "\\" })).toBe(
      "xb$Aunset",
    );
    expect(api.expandWord("`$A\\$A", { A: "1" }, { escape: "`" })).toBe("$A\\1");
    expect(api.expandWord("a\\ b")).toBe("a b");
  });

  test("splits words", () => {
    expect(api.splitWords("a $L 'c d'", { L: "x  y" }, { escape: "\\" })).toEqual(["a", "x", "y", "c d"]);
  });

  test.each([api.expandWord, api.splitWords])("%o throws an error that knows its place", (expand) => {
    try {
      expand("a\nb'c", {}, { escape: "\\" });
    } catch (error) {
      expect(error).toBeInstanceOf(api.ExpansionError);
      expect(error).toMatchObject({ code: "UnclosedQuote", offset: 3, position: { line: 2, column: 2 } });
      return;
    }
    throw new Error("it did not throw");
  });

  test("matches ignore patterns, formats and lints", () => {
    const isIgnored = api.ignoreMatcher(["*.log", "!keep.log"]);
    expect([isIgnored("a.log"), isIgnored("keep.log"), isIgnored("b")]).toEqual([true, false, false]);
    expect(api.format("FROM a\n").text).toBe("FROM a\n");
    expect(api.lint("FORM a\n").map(({ code }) => code)).toContain("UnknownInstruction");
  });

  // `npm test` builds first; a single run of vitest in a fresh checkout has nothing to look at.
  test.skipIf(!existsSync(new URL("../../../dist", import.meta.url)))(
    "is what the built package exports under that name",
    async () => {
      const path = pathToFileURL(require.resolve("lightbox/lightfile")).href;
      const built: object = await import(/* @vite-ignore */ path);
      expect(Object.keys(built).toSorted()).toEqual(Object.keys(api).toSorted());
      expect("parse" in built && typeof built.parse === "function" && built.parse("FROM a")).toEqual(
        api.parse("FROM a"),
      );
    },
  );
});
