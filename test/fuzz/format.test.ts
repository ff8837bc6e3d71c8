// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are substitutions of the Lightfile language
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { format } from "../../src/lightfile/format/format.ts";
import { parseLightfile } from "../../src/lightfile/parse.ts";
import { meaningOf } from "../support/meaning-of.ts";
import { mutatedText } from "../support/mutated-text.ts";
import { nastyLightfiles } from "../support/nasty-lightfiles.ts";

/** More with FUZZ_RUNS=1000000. */
const runs = Number(process.env.FUZZ_RUNS ?? 3000);

const seed = [
  "# escape=\\",
  "ARG BASE=debian:12",
  "from --platform=$TARGET ${BASE:-x} as  build",
  '  ENV   A=1 B="two  words" \\ ',
  "    # about C",
  "",
  "C=\\$x",
  "",
  "",
  "# why",
  "RUN --mount=type=cache,target=/x  apt-get update && \\",
  "# why",
  "  apt-get install -y jq",
  "COPY --chown=a:b <<EOF  <<-'TWO' src*/ \\",
  "  /to/",
  "body $x  ",
  "EOF",
  "\tbody",
  "\tTWO",
  'COPY ["a b" ,"c"]',
  'CMD ["node","server.js" \\',
  ', "x" ]',
  "HEALTHCHECK --interval=3s cmd curl   localhost",
  "ONBUILD RUN make  all",
  "ENV old  value with   blanks",
  "EXPOSE 80   81",
  "SNAPSHOT web",
  "RESOURCES cpus=2   memory=1G",
  "",
].join("\n");

/** Pieces that change the layout more often than the meaning. */
const piece = fc.oneof(
  fc.constantFrom(
    ..."\n|\r\n| |  |\t|\v|\\|\\\n|\\\n\n|\\ \n|\\\n# note \n|\n# note\n|# escape=`\n|# check=skip=all\n|`".split(
      "|",
    ),
    ..."#|<<|<<-E\n|E\n|'|\"|[|]|,|=|--| -- |--from=x |\uFEFF|\r|RUN |FROM x|ONBUILD |COPY |ENV |as x|a b".split(
      "|",
    ),
  ),
  fc.string({ maxLength: 2, unit: "binary" }),
);

const anyText = fc.oneof(
  mutatedText(seed, piece, { most: 4, longestCut: 2 }),
  mutatedText(seed, piece),
  fc.array(piece, { maxLength: 40 }).map((pieces) => `FROM a\n${pieces.join("")}`),
  fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join("")),
);

function expectSameMeaning(text: string): void {
  const { text: formatted } = format(text);
  const before = parseLightfile({ path: "Lightfile", text });
  const after = parseLightfile({ path: "Lightfile", text: formatted });
  const codes = (parsed: typeof before) =>
    parsed.diagnostics.filter(({ code }) => code !== "NoEmptyContinuation").map(({ code }) => code);
  expect(meaningOf(after.value)).toEqual(meaningOf(before.value));
  expect(codes(after)).toEqual(codes(before));
  expect(format(formatted).text).toBe(formatted);
}

describe("formatting", () => {
  test("keeps the meaning of mutated text, and formats nothing twice", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expectSameMeaning(text);
      }),
      { numRuns: runs },
    );
  });

  test("gives the same lines for CRLF as for LF", () => {
    const unix = anyText.map((text) => text.replaceAll("\r", ""));
    fc.assert(
      fc.property(unix, (text) => {
        const windows = format(text.replaceAll("\n", "\r\n")).text;
        expect(windows.replaceAll("\r\n", "\n")).toBe(format(text).text);
      }),
      { numRuns: runs },
    );
  });

  const goldens = new URL("../golden/lightfile/", import.meta.url);
  const folders = readdirSync(goldens, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of folders) {
    test(`keeps the meaning of the golden ${name}, mutated or not`, () => {
      const text = readFileSync(new URL(`${name}/Lightfile`, goldens), "utf8");
      expectSameMeaning(text);
      fc.assert(
        fc.property(mutatedText(text, piece, { most: 2, longestCut: 1 }), (changed) => {
          expectSameMeaning(changed);
        }),
        { numRuns: Math.ceil(runs / 10) },
      );
    });
  }
});

describe("a long text of", () => {
  for (const [shape, text] of Object.entries(nastyLightfiles(100_000))) {
    test(`${shape} is formatted`, { timeout: 60_000 }, () => {
      const { text: once } = format(text);
      expect(format(once).text).toBe(once);
    });
  }
});
