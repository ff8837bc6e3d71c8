import * as fc from "fast-check";
import { expect, test } from "vitest";
import { colouredText, lastOverwrite, plainText } from "../../../src/render/printable-text.ts";

test.each([
  ["cursor movement and clearing", "a\x1b[2Jb\x1b[10;20Hc\x1b[1A"],
  ["a window title", "a\x1b]0;owned\x07bc"],
  ["a title that ends in a string terminator", "a\x1b]0;owned\x1b\\bc"],
  ["a link", "\x1b]8;;http://x\x1b\\abc\x1b]8;;\x1b\\"],
  ["a device control string", "a\x1bP1$r\x1b\\bc"],
  ["eight-bit controls", "a\x9b2Jb\x9d0;owned\x9cc"],
  ["bells, backspaces, nulls and delete", "a\x07b\x08\x00\x7fc"],
  ["an escape sequence that never ends", "abc\x1b["],
  ["writing-direction overrides", "a\u202eb\u2066c"],
])("plain text is free of %s", (_what, text) => {
  expect(plainText(text)).toBe("abc");
});

test("tabs, line feeds and text of all scripts stay", () => {
  expect(plainText("\tπ 漢字 👩‍💻\n")).toBe("\tπ 漢字 👩‍💻\n");
});

test("coloured text keeps colours only, and ends them", () => {
  expect(colouredText("\x1b[1;31mred\x1b[2J\x1b]0;x\x07 text")).toBe("\x1b[1;31mred text\x1b[0m");
  expect(colouredText("plain")).toBe("plain");
});

test("of a line that was overwritten the last state is shown", () => {
  expect(lastOverwrite("10%\r50%\r100%")).toBe("100%");
  expect(lastOverwrite("windows line\r")).toBe("windows line");
});

test("whatever comes in, nothing that a terminal acts on comes out", () => {
  const nasty = fc.array(
    fc.oneof(
      fc.string(),
      fc.constantFrom("\x1b", "[", "]", "\x07", "\x9b", "\x9d", "\\", "m", "31", "P", ";"),
    ),
  );
  fc.assert(
    fc.property(nasty, (pieces) => {
      const text = pieces.join("");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
      expect(plainText(text)).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: only colours may be there
      expect(colouredText(text).replace(/(?:\x1b\[|\x9b)[0-9;:]*m/g, "")).not.toMatch(/[\x1b\x9b\x07]/);
    }),
  );
});
