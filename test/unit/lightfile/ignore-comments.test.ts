import { expect, test } from "vitest";
import { applyIgnoreComments } from "../../../src/lightfile/ignore-comments.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";

test("a comment above an instruction leaves out its warnings of that code, and no errors", () => {
  const text =
    "FROM a\n# lightbox-ignore NoEmptyContinuation, UnknownFlag: generated\nRUN --x b \\\n\n  c\nRUN d \\\n\n  e\n";
  const { value, diagnostics } = parseLightfile({ path: "Lightfile", text });
  const left = applyIgnoreComments(value, diagnostics).map(({ code, range }) => `${code} ${range.start}`);
  expect(diagnostics.map(({ code }) => code)).toEqual([
    "UnknownFlag",
    "NoEmptyContinuation",
    "NoEmptyContinuation",
  ]);
  expect(left).toEqual([
    `UnknownFlag ${text.indexOf("--x")}`,
    `NoEmptyContinuation ${text.indexOf("\n  e")}`,
  ]);
});
