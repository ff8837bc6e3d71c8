import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasErrors } from "../../../src/diagnostics/diagnostic.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { applyEdits, chooseSafeFixes } from "../../../src/lint/apply-fixes.ts";
import { fixText } from "../../../src/lint/fix-text.ts";
import { lint } from "../../../src/lint/lint.ts";
import { mutatedText } from "../../support/mutated-text.ts";

function fixed(text: string): string {
  return fixText({ path: "Lightfile", text }).text;
}

function mistakesIn(text: string): boolean {
  return hasErrors(parseLightfile({ path: "Lightfile", text }).diagnostics);
}

const untidy = `from debian:12 as Build
RUN apt update && apt install jq && rm -rf /var/lib/apt/lists/*
RUN make \\

    install
ENV GREETING hello world
ENV NAME $GREETING
EXPOSE 53/UDP
FROM --platform=$TARGETPLATFORM debian:12
COPY --from=build /a /b
ADD <<EOF /etc/motd
hello
EOF
RUN apk add jq
SNAPSHOT app
`;

const tidy = `FROM debian:12 AS build
RUN apt-get update && apt-get install -y jq && rm -rf /var/lib/apt/lists/*
RUN make \\
    install
ENV GREETING="hello world"
ENV NAME=$GREETING
EXPOSE 53/udp
FROM debian:12
COPY --from=build /a /b
COPY <<EOF /etc/motd
hello
EOF
RUN apk add --no-cache jq
SNAPSHOT app
`;

describe("safe fixes", () => {
  test("mend a file in one go, and then have nothing to do", () => {
    expect(fixed(untidy)).toBe(tidy);
    expect(fixed(tidy)).toBe(tidy);
  });

  test("are named in the order in which they were made", () => {
    expect(fixText({ path: "Lightfile", text: untidy }).titles.length).toBeGreaterThan(10);
    expect(fixText({ path: "Lightfile", text: tidy }).titles).toEqual([]);
  });

  test("do not touch each other: what overlaps waits for the next round", () => {
    const fix = (start: number, end: number, newText: string) => ({
      title: newText,
      edits: [{ range: { start, end }, newText }],
      isSafe: true,
    });
    const proposed = { ...fix(9, 9, "e"), isSafe: false };
    const chosen = chooseSafeFixes([
      fix(0, 3, "a"),
      fix(2, 4, "b"),
      fix(4, 4, "c"),
      fix(4, 4, "d"),
      proposed,
    ]);
    expect(chosen.map(({ title }) => title)).toEqual(["a", "c"]);
  });

  test("leave alone what skipped rules would mend", () => {
    expect(fixText({ path: "Lightfile", text: untidy }, { skip: ["all"] }).text).toBe(untidy);
  });
});

describe("each fix on the page of a rule", () => {
  const folder = new URL("../../../docs/rules/", import.meta.url);
  for (const name of readdirSync(folder)) {
    const page = readFileSync(new URL(name, folder), "utf8");
    const bad = /```Dockerfile\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    for (const finding of lint(bad)) {
      for (const fix of finding.fixes) {
        test(`of ${finding.code} takes it away: ${fix.title}`, () => {
          const text = applyEdits(bad, fix.edits);
          expect(text).not.toBe(bad);
          expect(mistakesIn(text)).toBe(false);
          const alike = (lightfile: string) =>
            lint(lightfile).filter(
              ({ code, message }) => code === finding.code && message === finding.message,
            );
          expect(alike(text).length).toBe(alike(bad).length - 1);
        });
      }
    }
  }
});

describe("on mutated text", () => {
  const piece = fc.constantFrom(
    ..." |\n|\\\n|'|\"|$X|FROM a\n|RUN |#|apt |as|<<E\n|[|,|(|cd /x|# lightbox-ignore all\n".split("|"),
    " | ",
  );

  test("lint never fails, its ranges lie in the text, and safe fixes come to an end", () => {
    fc.assert(
      fc.property(mutatedText(untidy, piece, { most: 8, longestCut: 3 }), (text) => {
        for (const { range, fixes } of lint(text)) {
          const edits = fixes.flatMap((fix) => fix.edits.map((edit) => edit.range));
          for (const { start, end } of [range, ...edits]) {
            expect(0 <= start && start <= end && end <= text.length).toBe(true);
          }
        }
        const once = fixed(text);
        expect(fixed(once)).toBe(once);
        if (!mistakesIn(text)) expect(mistakesIn(once)).toBe(false);
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 500) },
    );
  });
});
