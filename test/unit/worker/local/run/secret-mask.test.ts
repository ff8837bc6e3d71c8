import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SecretMask } from "../../../../../src/worker/local/run/secret-mask.ts";

function shown(secrets: readonly string[], pieces: readonly string[]): string {
  const mask = new SecretMask(secrets);
  return pieces.map((piece) => mask.take(piece)).join("") + mask.finish();
}

test("a secret is taken out of the output, also when it comes in pieces", () => {
  expect(shown(["hunter2"], ["the word is hunter2!\n"])).toBe("the word is ***!\n");
  expect(shown(["hunter2"], ["hun", "ter", "2 and hunt"])).toBe("*** and hunt");
  expect(shown(["hunter2\n"], ["hunter2"])).toBe("***");
});

test("the longer of two secrets that begin alike is masked as a whole", () => {
  expect(shown(["token", "token-long"], ["token-long token"])).toBe("*** ***");
});

test("output without a secret is shown as it is, however it is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (pieces) => {
      fc.pre(!pieces.join("").includes("secret"));
      expect(shown(["secret"], pieces)).toBe(pieces.join(""));
    }),
  );
});

test("no cut lets a secret through", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("s", "e", "c", "r", "t", "secret", "se")), (pieces) => {
      expect(shown(["secret"], pieces)).not.toContain("secret");
    }),
  );
});

test("nothing is held back that cannot be the beginning of a secret", () => {
  const mask = new SecretMask(["secret"]);
  expect(mask.take("progress 10%")).toBe("progress 10%");
  expect(mask.take("class")).toBe("clas");
});
