import type { Reporter } from "./reporter.ts";

/** Longest line in bytes, its end not counted; the same as in Dockerfiles. */
export const longestLineBytes = 65_535;

/** Reports a text that cannot be a Lightfile at all; false when it makes no sense to go on. */
export function checkText(text: string, reporter: Reporter): boolean {
  const nul = text.indexOf("\0");
  if (nul !== -1) {
    reporter.error({
      code: "BinaryFile",
      range: { start: nul, end: nul + 1 },
      message: "this is a binary file, not a Lightfile: it holds a NUL character",
      hint: "check the file's name; a Lightfile is plain text in UTF-8",
    });
    return false;
  }
  const broken = text.indexOf("\uFFFD");
  if (broken !== -1) {
    reporter.error({
      code: "InvalidEncoding",
      range: { start: broken, end: broken + 1 },
      message: "this is not text in UTF-8",
      hint: "save the file as UTF-8 (without BOM, if the editor asks)",
    });
    return false;
  }
  checkLineLengths(text, reporter);
  return true;
}

function checkLineLengths(text: string, reporter: Reporter): void {
  let start = 0;
  while (text.length - start > longestLineBytes / 3) {
    const lineEnd = text.indexOf("\n", start);
    const end = lineEnd === -1 ? text.length : lineEnd;
    if (end - start > longestLineBytes / 3) checkLineLength(text, start, end, reporter);
    start = end + 1;
  }
}

function checkLineLength(text: string, start: number, end: number, reporter: Reporter): void {
  const bytes = Buffer.byteLength(text.slice(start, end), "utf8");
  if (bytes <= longestLineBytes) return;
  reporter.error({
    code: "LineTooLong",
    range: { start, end },
    message: `this line has ${bytes} bytes, more than the ${longestLineBytes} that a line may have`,
    hint: "continue it on further lines, or copy a file instead",
  });
}
