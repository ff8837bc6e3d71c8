import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { positionAt } from "../../src/diagnostics/source-file.ts";
import { documentOf } from "../../src/lightfile/document.ts";
import { parseLightfile } from "../../src/lightfile/parse.ts";
import { randomNumbers } from "../support/random-numbers.ts";

/** More with FUZZ_RUNS=1000000; another sequence of inputs with FUZZ_SEED=n. */
const runs = Number(process.env.FUZZ_RUNS ?? 3000);
const seed = Number(process.env.FUZZ_SEED ?? 1);

const goldens = new URL("../golden/lightfile/", import.meta.url);
const corpus = readdirSync(goldens, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => readFileSync(new URL(`${entry.name}/Lightfile`, goldens), "utf8"));

const pieces = [
  ..."\n \t\\`#'\"$[],={}<>-\r\0",
  ..."\uFEFF \u{1F600} \ud800 \u0085 \u00a0".split(" "),
  ..."\r\n|\\\n|<<|<<-E\n|E\n|${|:-|--|--from=|--from-output |# escape=`\n|# check=skip=all\n".split("|"),
  ..."FROM |RUN |COPY |ENV |ARG |MIXIN |USE |IMPORT |TEST |ONBUILD |HEALTHCHECK CMD | AS ".split("|"),
];

/** One small change, or a part of another file put in. */
function mutate(text: string, random: (below: number) => number): string {
  const at = random(text.length + 1);
  const end = at + random(random(4) === 0 ? 60 : 5);
  switch (random(5)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, end) + text.slice(at);
    case 2: {
      const other = corpus[random(corpus.length)] ?? "";
      const from = random(other.length + 1);
      return text.slice(0, at) + other.slice(from, from + random(80)) + text.slice(end);
    }
    default:
      return text.slice(0, at) + (pieces[random(pieces.length)] ?? "") + text.slice(at + random(3));
  }
}

/** What holds of the tree of any text; a sentence about what does not. */
function complaint(text: string): string | null {
  const { value, diagnostics } = parseLightfile({ path: "Lightfile", text });
  let end = 0;
  for (const { keyword, range } of value.instructions) {
    if (text.slice(keyword.range.start, keyword.range.end) !== keyword.text)
      return "a keyword's range is wrong";
    if (keyword.range.start !== range.start || range.start < end || range.end < keyword.range.end)
      return "instructions overlap";
    end = range.end;
  }
  if (end > text.length) return "an instruction ends behind the text";
  for (const comment of value.comments) {
    if (text.charAt(comment.range.start) !== "#") return "a comment does not start with #";
  }
  for (const { code, message, range, source } of diagnostics) {
    if (!(0 <= range.start && range.start <= range.end && range.end <= text.length))
      return `${code} is outside`;
    if (positionAt(source, range.start).line < 1 || message === "") return `${code} says nothing`;
  }
  const isInvalid = value.instructions.some(({ kind }) => kind === "invalid");
  if (isInvalid && diagnostics.length === 0) return "nothing is said about an invalid instruction";
  const document = documentOf({ value, diagnostics });
  if (document.instructions.length !== value.instructions.length) return "the document leaves something out";
  return null;
}

describe("mutated Lightfiles", () => {
  test(`${runs} of them have trees that fit their text`, { timeout: 3_600_000 }, () => {
    const random = randomNumbers(seed);
    let text = corpus[0] ?? "";
    for (let run = 0; run < runs; run++) {
      // Some mutations in a row, then another file: far enough from valid text, and not too far.
      if (run % 12 === 0 || text.length > 20_000) text = corpus[random(corpus.length)] ?? "";
      text = mutate(text, random);
      const problem = complaint(text);
      if (problem !== null) expect.fail(`${problem}: ${JSON.stringify(text)}`);
    }
  });
});
