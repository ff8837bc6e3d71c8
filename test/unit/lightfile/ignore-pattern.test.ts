import { describe, expect, test } from "vitest";
import { ignoreMatcher, parseIgnoreFile } from "../../../src/lightfile/ignore-pattern.ts";

const parse = (text: string) => parseIgnoreFile({ path: ".lightignore", text });

describe("ignoreMatcher", () => {
  test.each([
    ["foo", ["foo", "foo/a/b"], ["a/foo", "foobar", "fo"]],
    ["/foo", ["foo"], ["a/foo"]],
    ["./a//b/", ["a/b", "a/b/c"], ["a", "b"]],
    ["a/../b", ["b"], ["a"]],
    ["*.md", ["x.md"], ["a/x.md", "x.mdx"]],
    ["*/temp*", ["a/temp", "a/temporary/x"], ["temp", "a/b/temp"]],
    ["**/foo", ["foo", "a/foo", "a/b/foo/c"], ["xfoo", "a/foox"]],
    ["**/*.go", ["x.go", "a/b/x.go"], ["x.goo"]],
    ["a/**", ["a/b", "a/b/c"], ["a", "ab/c"]],
    ["a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "b"]],
    ["**", ["a", "a/b"], []],
    ["**foo", ["xfoo", "a/foo", "foo"], ["foox"]],
    ["te?t", ["test", "text"], ["tet", "te/t"]],
    ["[a-c]x", ["ax", "cx"], ["dx", "-x"]],
    ["[^a-c]x", ["dx"], ["ax"]],
    ["a\\*b", ["a*b"], ["axb"]],
    ["ä?", ["äö", "ä😀"], ["ä"]],
    ["# comment", [], ["# comment"]],
    [" spaced \t", ["spaced"], [" spaced \t"]],
    [".", [], ["a"]],
    // Docker trims once more after it has taken the slashes off, and only then looks for the !.
    ["b /", ["b"], ["b "]],
    ["/ b", ["b"], [" b"]],
    ["*\n/!a", ["b"], ["a"]],
    ["", [], ["a", ""]],
  ])("%s", (pattern, ignored, kept) => {
    const isIgnored = ignoreMatcher(pattern);
    expect(ignored.filter((path) => !isIgnored(path))).toEqual([]);
    expect(kept.filter(isIgnored)).toEqual([]);
  });

  test("the last matching line decides, also below an ignored directory", () => {
    const isIgnored = ignoreMatcher(["docs", "!docs/keep", "docs/keep/not.txt", "!**/README.md"]);
    expect(["docs", "docs/a", "docs/keep/not.txt"].every(isIgnored)).toBe(true);
    expect(["docs/keep", "docs/keep/b", "docs/x/README.md", "src"].some(isIgnored)).toBe(false);
  });

  test("everything but some can be left out", () => {
    const isIgnored = ignoreMatcher("*\n!src\n!package.json\n");
    expect([isIgnored("src/a/b.ts"), isIgnored("package.json"), isIgnored("dist")]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("CRLF and a byte-order mark change nothing", () => {
    const isIgnored = ignoreMatcher("\uFEFFfoo\r\n!foo/bar\r\n");
    expect([isIgnored("foo"), isIgnored("foo/bar")]).toEqual([true, false]);
  });
});

describe("parseIgnoreFile", () => {
  test("reports malformed patterns and a lonely !, and goes on", () => {
    const { value, diagnostics } = parse("ok\n[a\n!\nx\\\n[]\n[a-]\nalso\n/!\n");
    expect(diagnostics.map(({ code, range }) => [code, range.start])).toEqual([
      ["InvalidIgnorePattern", 3],
      ["InvalidIgnorePattern", 6],
      ["InvalidIgnorePattern", 8],
      ["InvalidIgnorePattern", 11],
      ["InvalidIgnorePattern", 14],
      ["InvalidIgnorePattern", 24],
    ]);
    expect(value.isIgnored("also")).toBe(true);
  });

  test("tells which line leaves a path out", () => {
    const { value } = parse("# x\nfoo\n\n!foo/a\n*.log\n");
    expect(value.ignoringRule("foo/b")).toMatchObject({ line: 2, text: "foo" });
    expect(value.ignoringRule("a.log")).toMatchObject({ line: 5 });
    expect(value.ignoringRule("foo/a")).toBeNull();
    expect(value.ignoringRule("other")).toBeNull();
  });

  test.each([
    ["node_modules", "node_modules", true],
    ["node_modules\n!src", "node_modules", true],
    ["node_modules\n!node_modules/keep", "node_modules", false],
    ["node_modules\n!**/keep", "node_modules", false],
    ["node_modules\n!*/keep", "node_modules", false],
    ["node_modules\n!*/keep", "node_modules/deep", true],
    ["!a/b\na", "a", true],
    ["a\n!a", "a", false],
    ["*\n!src/*.ts", "src", false],
    ["*\n!src/*.ts", "lib", true],
    ["**/cache", "x/y/cache", true],
    ["x", "y", false],
  ])("with %j, %s can be skipped: %s", (text, directory, expected) => {
    expect(parse(text).value.canSkipDirectory(directory)).toBe(expected);
  });

  test("a directory that may be skipped holds nothing that is kept", () => {
    const { value } = parse("a\n!a/b/c\nd\n!e\n**/z\n!a/z/k*\n");
    for (const directory of ["a", "a/b", "a/x", "d", "d/e", "a/z", "q/z"]) {
      if (!value.canSkipDirectory(directory)) continue;
      for (const below of ["b", "c", "e", "k1", "b/c", "z/k", "z/k/x"]) {
        expect(value.isIgnored(`${directory}/${below}`)).toBe(true);
      }
    }
  });
});
