// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are substitutions of the Lightfile language
import { describe, expect, test } from "vitest";
import { expandWord, splitWords, variablesIn } from "../../src/lightfile/expand.ts";
import { ExpansionError } from "../../src/lightfile/expansion-error.ts";
import { parse } from "../../src/lightfile-api.ts";
import { nastyLightfiles } from "../support/nasty-lightfiles.ts";

/** With FUZZ_RUNS a megabyte, which takes minutes. */
const longLength = process.env.FUZZ_RUNS === undefined ? 160_000 : 1_000_000;
/** A text of four times the length takes four times as long; were the time quadratic, it would take sixteen times. */
const lengthRatio = 4;
const allowedRatio = 10;
/** Times below this say more about the machine than about the parser. */
const shortestMs = 4;

/** Other work on the machine makes a time longer, never shorter: one good pair of times settles it. */
function timesRatio(work: (length: number) => void): number {
  let best = Infinity;
  for (let attempt = 0; attempt < 6 && best > allowedRatio; attempt++) {
    const short = timeOf(() => work(longLength / lengthRatio));
    const long = timeOf(() => work(longLength));
    best = Math.min(best, long / Math.max(short, shortestMs));
  }
  return best;
}

function timeOf(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

describe("the time that parsing takes grows with the length of", () => {
  const shorter = nastyLightfiles(longLength / lengthRatio);
  const longer = nastyLightfiles(longLength);

  test.each(Object.keys(longer))("%s", { timeout: 600_000 }, (shape) => {
    const ratio = timesRatio((length) => {
      const text = (length === longLength ? longer : shorter)[shape] ?? "";
      const document = parse(text);
      expect(document.diagnostics.length + document.instructions.length).toBeGreaterThan(0);
    });
    expect(ratio).toBeLessThanOrEqual(allowedRatio);
  });
});

describe("the time that expanding takes grows with the length of", () => {
  const shapes = [
    "${a:-",
    "${a:-}",
    "${a:-b}",
    "$",
    "$a",
    "'",
    '"',
    '"$a',
    "\\",
    "${a#*}",
    "${a%%?*}",
    "${a//a/b}",
    "a ",
    "<< ",
  ];
  const value = "aaaa";

  test.each(shapes)("%j repeated", { timeout: 600_000 }, (shape) => {
    const words = new Map(
      [longLength, longLength / lengthRatio].map((length) => [length, shape.repeat(length / shape.length)]),
    );
    const ratio = timesRatio((length) => {
      const word = words.get(length) ?? "";
      variablesIn(word, { escape: "\\" });
      for (const expand of [expandWord, splitWords]) {
        try {
          expect(expand(word, () => value, { escape: "\\" }).length).toBeGreaterThanOrEqual(0);
        } catch (error) {
          if (!(error instanceof ExpansionError)) throw error;
        }
      }
    });
    expect(ratio).toBeLessThanOrEqual(allowedRatio);
  });
});
