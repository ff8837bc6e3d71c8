import * as v from "valibot";
import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../../src/diagnostics/diagnostic.ts";
import { chooseDiagnosticsFormat, writeDiagnostics } from "../../../src/render/diagnostics/format.ts";
import { formatForGitHub } from "../../../src/render/diagnostics/github.ts";
import { formatAsJson } from "../../../src/render/diagnostics/plain-data.ts";
import { formatAsSarif } from "../../../src/render/diagnostics/sarif.ts";
import { MemoryStream } from "./memory-stream.ts";

const text = "FROM debian:12 AS App\nRUN 漢字 x\n";
const source = { path: "some folder/Lightfile", text };
const other = { path: "/other/Lightfile", text: "FROM a\nMIXIN b\n" };

const casing: Diagnostic = {
  code: "StageNameCasing",
  severity: "warning",
  message: "the stage's name App has capitals",
  hint: "write it in lower case",
  source,
  range: { start: 18, end: 21 },
  related: [{ message: "first defined here", source: other, range: { start: 7, end: 12 } }],
  fixes: [{ title: "Write app", isSafe: true, edits: [{ range: { start: 18, end: 21 }, newText: "app" }] }],
};

const plain: Diagnostic = {
  code: "SomeError",
  severity: "error",
  message: "50% is too much: a,b\u001b[31m",
  source,
  range: { start: 5, end: 28 },
};

const tool = {
  version: "1.2.3",
  rules: [{ name: "StageNameCasing", summary: "a stage's name has capitals" }],
};

describe("JSON", () => {
  test("has all that a diagnostic says, with lines and columns from 1", () => {
    expect(JSON.parse(formatAsJson([casing]))).toEqual({
      diagnostics: [
        {
          code: "StageNameCasing",
          severity: "warning",
          message: "the stage's name App has capitals",
          hint: "write it in lower case",
          path: "some folder/Lightfile",
          range: { start: { line: 1, column: 19 }, end: { line: 1, column: 22 } },
          related: [
            {
              message: "first defined here",
              path: "/other/Lightfile",
              range: { start: { line: 2, column: 1 }, end: { line: 2, column: 6 } },
            },
          ],
          fixes: [
            {
              title: "Write app",
              safe: true,
              edits: [
                { range: { start: { line: 1, column: 19 }, end: { line: 1, column: 22 } }, newText: "app" },
              ],
            },
          ],
        },
      ],
    });
  });

  test("has null and empty lists where there is nothing to say, and no diagnostics as an empty list", () => {
    expect(JSON.parse(formatAsJson([plain]))).toMatchObject({
      diagnostics: [{ hint: null, related: [], fixes: [] }],
    });
    expect(JSON.parse(formatAsJson([]))).toEqual({ diagnostics: [] });
  });
});

describe("annotations for GitHub", () => {
  test("are one line each, with the related places and the hint in the message", () => {
    expect(formatForGitHub([casing])).toBe(
      "::warning file=some folder/Lightfile,line=1,col=19,endColumn=22,title=StageNameCasing::" +
        "the stage's name App has capitals%0A/other/Lightfile:2:1: first defined here%0Ahint: write it in lower case\n",
    );
  });

  test("escape what would end a command, drop what only terminals understand, and name a last line", () => {
    expect(formatForGitHub([{ ...plain, source: { ...source, path: "a:b,c%" } }])).toBe(
      "::error file=a%3Ab%2Cc%25,line=1,endLine=2,title=SomeError::50%25 is too much: a,b\n",
    );
  });
});

/** The parts of the schema of SARIF 2.1.0 that a log of lightbox has; like there, nothing else is allowed. */
const message = v.strictObject({ text: v.string() });
const artifactLocation = v.strictObject({ uri: v.string(), uriBaseId: v.optional(v.string()) });
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const region = v.strictObject({ startLine: count, startColumn: count, endLine: count, endColumn: count });
const physicalLocation = v.strictObject({ artifactLocation, region });
const sarifSchema = v.strictObject({
  $schema: v.pipe(v.string(), v.url()),
  version: v.literal("2.1.0"),
  runs: v.array(
    v.strictObject({
      tool: v.strictObject({
        driver: v.strictObject({
          name: v.string(),
          semanticVersion: v.string(),
          rules: v.array(v.strictObject({ id: v.string(), shortDescription: v.optional(message) })),
        }),
      }),
      columnKind: v.picklist(["utf16CodeUnits", "unicodeCodePoints"]),
      results: v.array(
        v.strictObject({
          ruleId: v.string(),
          ruleIndex: v.pipe(v.number(), v.integer(), v.minValue(0)),
          level: v.picklist(["none", "note", "warning", "error"]),
          message,
          locations: v.array(v.strictObject({ physicalLocation })),
          relatedLocations: v.optional(
            v.array(v.strictObject({ id: v.pipe(v.number(), v.integer()), message, physicalLocation })),
          ),
          fixes: v.optional(
            v.array(
              v.strictObject({
                description: message,
                artifactChanges: v.pipe(
                  v.array(
                    v.strictObject({
                      artifactLocation,
                      replacements: v.pipe(
                        v.array(
                          v.strictObject({
                            deletedRegion: region,
                            insertedContent: v.strictObject({ text: v.string() }),
                          }),
                        ),
                        v.minLength(1),
                      ),
                    }),
                  ),
                  v.minLength(1),
                ),
              }),
            ),
          ),
        }),
      ),
    }),
  ),
});

describe("SARIF", () => {
  const log = v.parse(sarifSchema, JSON.parse(formatAsSarif([casing, plain], tool)));
  const [run] = log.runs;

  test("has the shape of version 2.1.0, also without findings", () => {
    expect(v.safeParse(sarifSchema, JSON.parse(formatAsSarif([], tool))).success).toBe(true);
    expect(log.runs).toHaveLength(1);
  });

  test("names the rules that spoke, and each result points at its own", () => {
    expect(run?.tool.driver.rules).toEqual([
      { id: "SomeError" },
      { id: "StageNameCasing", shortDescription: { text: "a stage's name has capitals" } },
    ]);
    for (const { ruleId, ruleIndex } of run?.results ?? []) {
      expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    }
  });

  test("has paths as URIs: relative ones from the root of the sources, absolute ones whole", () => {
    const [first] = run?.results ?? [];
    expect(first?.locations[0]?.physicalLocation).toEqual({
      artifactLocation: { uri: "some%20folder/Lightfile", uriBaseId: "%SRCROOT%" },
      region: { startLine: 1, startColumn: 19, endLine: 1, endColumn: 22 },
    });
    expect(first?.relatedLocations?.[0]?.physicalLocation.artifactLocation).toEqual({
      uri: "file:///other/Lightfile",
    });
  });

  test("has fixes as replacements of regions", () => {
    expect(run?.results[0]?.fixes?.[0]?.artifactChanges[0]?.replacements).toEqual([
      {
        deletedRegion: { startLine: 1, startColumn: 19, endLine: 1, endColumn: 22 },
        insertedContent: { text: "app" },
      },
    ]);
  });
});

describe("the format", () => {
  test("is that of annotations in GitHub Actions unless another one is asked for", () => {
    expect(chooseDiagnosticsFormat(undefined, { GITHUB_ACTIONS: "true" })).toBe("github");
    expect(chooseDiagnosticsFormat("text", { GITHUB_ACTIONS: "true" })).toBe("text");
    expect(chooseDiagnosticsFormat(undefined, {})).toBe("text");
  });

  test("for people has colours on a terminal only, and an excerpt for each place", () => {
    const write = (isTTY: boolean): string => {
      const stream = new MemoryStream({ isTTY });
      writeDiagnostics([casing], { format: "text", stream, environment: {}, tool });
      return stream.written;
    };
    expect(
      write(false),
    ).toBe(`some folder/Lightfile:1:19: warning[StageNameCasing]: the stage's name App has capitals
  1 | FROM debian:12 AS App
    |                   ^^^
  /other/Lightfile:2:1: first defined here
  2 | MIXIN b
    | ^^^^^
  hint: write it in lower case
`);
    expect(write(true)).toContain("\u001b[33m");
  });
});
