import { parseLightfile } from "../parse.ts";

/** Lines that stand in the place of others; line ends are part of the lines. */
export interface LineChange {
  /** Index, from 0, of the first line that is replaced, or before which lines are added. */
  readonly at: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/**
 * What layout changed, line by line, in order. A file that was laid out has the same instructions as before, so that no
 * search for equal lines is needed: it takes a time that is linear in the text.
 */
export function layoutChanges(before: string, after: string): readonly LineChange[] {
  const old = linesOf(before);
  const laidOut = linesOf(after);
  const starts = instructionLines(before);
  const newStarts = instructionLines(after);
  // Without the same instructions there is nothing to hold on to but the beginning and the end.
  const isAligned = starts.length === newStarts.length;
  const cuts = isAligned ? [0, ...starts, old.length] : [0, old.length];
  const newCuts = isAligned ? [0, ...newStarts, laidOut.length] : [0, laidOut.length];
  return cuts.slice(1).flatMap((end, index): readonly LineChange[] => {
    const start = cuts[index] ?? 0;
    const replaced = old.slice(start, end);
    const placed = laidOut.slice(newCuts[index], newCuts[index + 1]);
    return changeWithin(start, replaced, placed);
  });
}

/** The lines that differ, without those that are equal before and behind them. */
function changeWithin(
  start: number,
  before: readonly string[],
  after: readonly string[],
): readonly LineChange[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  if (head === before.length && head === after.length) return [];
  return [
    {
      at: start + head,
      before: before.slice(head, before.length - tail),
      after: after.slice(head, after.length - tail),
    },
  ];
}

/** The lines that instructions begin on, from 0. */
function instructionLines(text: string): readonly number[] {
  const { value: tree } = parseLightfile({ path: "Lightfile", text });
  let line = 0;
  let at = 0;
  return tree.instructions.map(({ range }) => {
    for (
      let next = text.indexOf("\n", at);
      next !== -1 && next < range.start;
      next = text.indexOf("\n", at)
    ) {
      line += 1;
      at = next + 1;
    }
    return line;
  });
}

export function linesOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}
