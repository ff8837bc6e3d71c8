// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are substitutions of the Lightfile language
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Range } from "../../src/diagnostics/source-file.ts";
import { expandWord, splitWords, variablesIn } from "../../src/lightfile/expand.ts";
import { ExpansionError } from "../../src/lightfile/expansion-error.ts";
import { parseIgnoreFile } from "../../src/lightfile/ignore-pattern.ts";
import { parseLightfile } from "../../src/lightfile/parse.ts";
import { matchWildcard } from "../../src/lightfile/wildcard.ts";
import { expectBoundedMemory } from "../support/bounded-memory.ts";
import { nastyLightfiles } from "../support/nasty-lightfiles.ts";
import { planText } from "../support/planned.ts";

expectBoundedMemory();

/** More with FUZZ_RUNS=1000000. */
const runs = Number(process.env.FUZZ_RUNS ?? 1000);

const seed = [
  "# escape=\\",
  "ARG BASE=debian:12",
  "FROM --platform=$TARGET ${BASE:-x} AS build",
  'ENV A=1 B="two words" C=\\$x',
  "RUN --mount=type=cache,target=/x apt-get update && \\",
  "  # why",
  "  apt-get install -y jq",
  "COPY --chown=a:b <<EOF <<-'TWO' src*/ /to/",
  "body $x",
  "EOF",
  "\tbody",
  "\tTWO",
  'CMD ["node", "server.js"]',
  "HEALTHCHECK --interval=3s CMD curl localhost",
  "ONBUILD RUN make",
  "SNAPSHOT web",
  "RESOURCES cpus=2 memory=1G",
  "",
].join("\n");

/** Pieces that mean something somewhere. */
const piece = fc.oneof(
  fc.constantFrom(
    "\n",
    "\r\n",
    " ",
    "\t",
    "\\",
    "\\\n",
    "`",
    "#",
    "<<",
    "<<-E\n",
    "'",
    '"',
    "$",
    "${",
    "}",
    ":-",
    "[",
    "]",
    ",",
    "=",
    "--",
    "--from=",
    "\uFEFF",
    "\u{1F600}",
    "\ud800",
    "\0",
    "RUN ",
    "FROM ",
    "ONBUILD ",
    "COPY ",
    "ENV ",
    "E\n",
    "# escape=`\n",
  ),
  fc.string({ maxLength: 5, unit: "binary" }),
);

/** A text and what is done to it: at each place so many characters are replaced by a piece. */
const mutated = (original: string): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(fc.nat(original.length), fc.nat(4), piece), { minLength: 1, maxLength: 12 })
    .map((edits) =>
      edits.reduce((text, [at, cut, insert]) => text.slice(0, at) + insert + text.slice(at + cut), original),
    );

const anyText = fc.oneof(
  mutated(seed),
  fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join("")),
);

/** All ranges in a value made of plain objects and arrays. */
function rangesIn(value: unknown): readonly Range[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(rangesIn);
  const own =
    "start" in value && "end" in value ? [{ start: Number(value.start), end: Number(value.end) }] : [];
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, part]) => (key === "source" ? [] : rangesIn(part))),
  ];
}

describe("mutated Lightfiles", () => {
  test("give a tree and diagnostics whose ranges lie in the text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { value, diagnostics } = parseLightfile({ path: "Lightfile", text });
        for (const { start, end } of [...rangesIn(value), ...rangesIn(diagnostics)]) {
          expect(0 <= start && start <= end && end <= text.length, `range ${start}-${end}`).toBe(true);
        }
        for (const { keyword, range } of value.instructions) {
          expect(text.slice(keyword.range.start, keyword.range.end)).toBe(keyword.text);
          expect(keyword.range.start).toBe(range.start);
        }
      }),
      { numRuns: runs },
    );
  });

  test("mean the same with CRLF as with LF", () => {
    const kinds = (text: string) =>
      parseLightfile({ path: "Lightfile", text }).value.instructions.map((instruction) => [
        instruction.kind,
        instruction.heredocs.map((heredoc) => heredoc.body),
        instruction.flags.map((flag) => [flag.name.text, flag.value?.text]),
      ]);
    const unix = anyText.map((text) => text.replaceAll("\r", ""));
    fc.assert(
      fc.property(unix, (text) => {
        expect(kinds(text.replaceAll("\n", "\r\n"))).toEqual(kinds(text));
      }),
      { numRuns: runs },
    );
  });

  test("keep their instructions when comment lines and blank lines are added between them", () => {
    const { value } = parseLightfile({ path: "Lightfile", text: seed });
    const bare = (text: string) =>
      parseLightfile({ path: "Lightfile", text }).value.instructions.map(({ range }) =>
        text.slice(range.start, range.end),
      );
    const starts = value.instructions.map((instruction) => instruction.range.start);
    const filler = fc.constantFrom("# note\n", "\n", "  \t\n", "  # x \\\n", "#\n");
    fc.assert(
      fc.property(fc.array(filler, { minLength: starts.length, maxLength: starts.length }), (fillers) => {
        const changed = starts.reduceRight(
          (text, start, index) => text.slice(0, start) + (fillers[index] ?? "") + text.slice(start),
          seed,
        );
        expect(bare(changed)).toEqual(bare(seed));
      }),
      { numRuns: Math.min(runs, 1000) },
    );
  });
});

describe("mutated words and patterns", () => {
  test("are expanded or refused with a place in the word", () => {
    const words = fc.oneof(
      mutated('a${B:-${C}}\'d\'"$E\\""${F#*/}${G//x/\\/}\\$h'),
      fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join("")),
    );
    fc.assert(
      fc.property(
        words,
        fc.string(),
        fc.constantFrom("\\" as const, "`" as const),
        (word, value, escapeChar) => {
          variablesIn(word, { escape: escapeChar });
          for (const expand of [expandWord, splitWords]) {
            try {
              expand(word, () => value, { escape: escapeChar });
            } catch (error) {
              if (!(error instanceof ExpansionError)) throw error;
              expect(error.offset >= 0 && error.offset <= word.length).toBe(true);
            }
          }
        },
      ),
      { numRuns: runs },
    );
  });

  test("text without special characters stays what it is", () => {
    const plain = fc.string({ unit: "binary" }).map((text) => text.replaceAll(/["'$\\]/g, ""));
    fc.assert(
      fc.property(plain, (text) => {
        expect(expandWord(text, () => undefined, { escape: "\\" })).toBe(text);
      }),
      { numRuns: runs },
    );
  });

  test("never fail as ignore files or wildcards, and a skipped directory holds nothing that is kept", () => {
    const name = fc.constantFrom("a", "b", "*", "**", "?", "[ab]", "[^a]", "a*", "\\a", "[", ".", "..");
    const line = fc
      .tuple(fc.constantFrom("", "!", "/"), fc.array(name, { minLength: 1, maxLength: 4 }))
      .map(([prefix, names]) => prefix + names.join("/"));
    const path = fc.array(fc.constantFrom("a", "b", "ab"), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), path, path, (lines, directory, below) => {
        const { value } = parseIgnoreFile({ path: ".lightignore", text: lines.join("\n") });
        const top = directory.join("/");
        if (value.canSkipDirectory(top)) expect(value.isIgnored(`${top}/${below.join("/")}`)).toBe(true);
        for (const pattern of lines) matchWildcard(pattern, top);
      }),
      { numRuns: runs },
    );
  });
});

/** With FUZZ_RUNS a megabyte: what is quadratic in that does not end within the time limit of the test. */
const nastyLength = process.env.FUZZ_RUNS === undefined ? 200_000 : 1_000_000;

describe("a long text of", () => {
  for (const [shape, text] of Object.entries(nastyLightfiles(nastyLength))) {
    test(`${shape} is parsed and planned`, { timeout: 120_000 }, () => {
      expect(parseLightfile({ path: "Lightfile", text }).value.source.text).toHaveLength(text.length);
      const ends = planText(text).diagnostics.map(({ range }) => range.end);
      expect(ends.filter((end) => end > text.length)).toEqual([]);
    });
  }
});
