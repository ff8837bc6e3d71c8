import { expect, test } from "vitest";
import { parsePathPattern } from "../../../../../src/worker/local/copy/path-pattern.ts";

function matches(pattern: string, name: string): boolean {
  return parsePathPattern(pattern)[0]?.matches(name) ?? false;
}

test("stars and question marks match within a name", () => {
  expect(matches("*.js", "a.js")).toBe(true);
  expect(matches("*.js", "a.jsx")).toBe(false);
  expect(matches("?.js", "ab.js")).toBe(false);
  expect(matches("a*", "a")).toBe(true);
});

test("sets, ranges and their opposite match one character", () => {
  expect(matches("[a-c]x", "bx")).toBe(true);
  expect(matches("[^a-c]x", "bx")).toBe(false);
  expect(matches("[\\]]", "]")).toBe(true);
});

test("a character after a backslash, and an unclosed bracket, mean themselves", () => {
  expect(parsePathPattern("a\\*b").map(({ literal }) => literal)).toEqual(["a*b"]);
  expect(matches("a\\*b", "axb")).toBe(false);
  expect(parsePathPattern("a[b").map(({ literal }) => literal)).toEqual(["a[b"]);
});

test("a path is rooted: dots never lead out of it", () => {
  expect(parsePathPattern("../../etc/./x/../passwd").map(({ literal }) => literal)).toEqual([
    "etc",
    "passwd",
  ]);
  expect(parsePathPattern("/a/*/c").map(({ literal }) => literal)).toEqual(["a", null, "c"]);
});
