import { describe, expect, test } from "vitest";
import { hasWildcard, matchWildcard, wildcardProblem } from "../../../src/lightfile/wildcard.ts";

describe("matchWildcard", () => {
  test.each([
    ["abc", "abc", true],
    ["*", "abc", true],
    ["*c", "abc", true],
    ["a*/b", "abc/b", true],
    ["a*/b", "a/c/b", false],
    ["**", "a/b", false],
    ["a?c", "abc", true],
    ["a?c", "a/c", false],
    ["ab[c]", "abc", true],
    ["ab[b-d]", "abc", true],
    ["ab[^c]", "abc", false],
    ["[\\]a]", "]", true],
    ["[x\\-]", "-", true],
    ["a\\*b", "a*b", true],
    ["a*b*c*d", "axbxcxdxcxd", true],
    ["*x", "xxx", true],
    ["", "", true],
    ["[a", "a", false],
  ])("%s against %s: %s", (pattern, path, expected) => {
    expect(matchWildcard(pattern, path)).toBe(expected);
  });

  test("many stars take no longer than pattern times path", () => {
    expect(matchWildcard(`${"*a".repeat(200)}b`, "a".repeat(5000))).toBe(false);
  });
});

describe("hasWildcard and wildcardProblem", () => {
  test("a backslash makes a wildcard ordinary", () => {
    expect(["a*", "a?", "[a]", "\\\\*"].every(hasWildcard)).toBe(true);
    expect(["a", "\\*", "a]", ""].some(hasWildcard)).toBe(false);
  });

  test("a malformed pattern says what is wrong with it", () => {
    expect(
      ["[", "[]", "[a-", "[-a]", "a\\"].map((pattern) => wildcardProblem(pattern) === null),
    ).not.toContain(true);
    expect(wildcardProblem("a*[b]")).toBeNull();
  });
});
