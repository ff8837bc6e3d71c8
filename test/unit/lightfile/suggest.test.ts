import { describe, expect, test } from "vitest";
import { didYouMean, nearestName } from "../../../src/diagnostics/suggest.ts";

const names = ["RUN", "ENV", "COPY", "FROM", "HEALTHCHECK"];

describe("nearestName", () => {
  test("swapped, missing, doubled and wrong letters are forgiven, in proportion to the word's length", () => {
    expect(["RNU", "RUUN", "coyp", "FRM", "HELTHCHEK"].map((word) => nearestName(word, names))).toEqual([
      "RUN",
      "RUN",
      "COPY",
      "FROM",
      "HEALTHCHECK",
    ]);
  });

  test("a word that is far from all is like none", () => {
    expect(["XYZ", "", "INSTALL", "x".repeat(100_000)].map((word) => nearestName(word, names))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(didYouMean("XYZ", names)).toBeUndefined();
  });

  test("a word of one letter is like itself in another case, and like no other letter", () => {
    expect(nearestName("P", ["a", "Pa"])).toBeUndefined();
    expect(nearestName("p", ["a", "P"])).toBe("P");
    expect(nearestName("", ["a"])).toBeUndefined();
    expect(nearestName("ba", ["b"])).toBe("b");
  });
});
