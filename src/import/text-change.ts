import type { TextEdit } from "../diagnostics/fix.ts";

/** Edits of one text, in order. What they make, and where a place of it was before. */
export class ChangedText {
  readonly text: string;
  readonly #edits: readonly TextEdit[];

  /** Edits that overlap one before them are left out. */
  constructor(original: string, edits: readonly TextEdit[]) {
    const sorted = edits.toSorted((left, right) => left.range.start - right.range.start);
    const kept: TextEdit[] = [];
    let text = "";
    let end = 0;
    for (const edit of sorted) {
      if (edit.range.start < end) continue;
      text += original.slice(end, edit.range.start) + edit.newText;
      end = edit.range.end;
      kept.push(edit);
    }
    this.#edits = kept;
    this.text = text + original.slice(end);
  }

  /** The offset in the original of an offset in the changed text; inside of new text: where the edit begins. */
  originalOffset(offset: number): number {
    let shift = 0;
    for (const { range, newText } of this.#edits) {
      const start = range.start + shift;
      if (offset < start) break;
      if (offset < start + newText.length) return range.start;
      shift += newText.length - (range.end - range.start);
    }
    return offset - shift;
  }
}

/** The whole lines that a range touches, without the last one's line end. */
export function wholeLines(
  text: string,
  range: { readonly start: number; readonly end: number },
): { readonly start: number; readonly end: number } {
  const start = text.lastIndexOf("\n", range.start - 1) + 1;
  const lineEnd = text.indexOf("\n", Math.max(range.start, range.end - 1));
  const end = lineEnd === -1 ? text.length : lineEnd;
  return { start, end: text[end - 1] === "\r" && end > start ? end - 1 : end };
}
