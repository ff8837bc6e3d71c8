import stringWidth from "fast-string-width";
import type { ExcerptLine, LocatedText } from "../bake/located-diagnostic.ts";
import { plainText } from "./printable-text.ts";

const tabWidth = 4;
const leastColumns = 20;
const cutMark = "…";

/** A line of source and the line below it that marks a part of it, both as wide as they look. */
export interface MarkedLine {
  readonly line: number;
  readonly text: string;
  readonly marks: string;
}

/** One user-perceived character and where it stands on the terminal. */
interface Cell {
  readonly text: string;
  readonly width: number;
  readonly isMarked: boolean;
}

/**
 * Prepares the lines of a range for a terminal of the given width: tabs become spaces, wide characters count
 * double, what cannot be printed is replaced, and a line that is too long is cut around its marked part.
 */
export function markRange(place: LocatedText, columns: number): readonly MarkedLine[] {
  const width = Math.max(leastColumns, columns);
  return place.lines.map((line) => markLine(line, place, width));
}

function markLine(line: ExcerptLine, place: LocatedText, columns: number): MarkedLine {
  const lineEnd = line.firstColumn + line.text.length;
  const from = line.line === place.start.line ? place.start.column : firstInk(line);
  const until = line.line === place.end.line ? place.end.column : lineEnd;
  const cells = toCells(line, from, Math.max(until, from + 1));
  const window = windowAround(cells, columns, { before: line.firstColumn > 1, after: line.isCut });
  return {
    line: line.line,
    text: window
      .map((cell) => cell.text)
      .join("")
      .trimEnd(),
    marks: marksOf(window),
  };
}

/** On the lines after the first, the indentation is not worth a mark. */
function firstInk(line: ExcerptLine): number {
  const ink = line.text.search(/\S/);
  return line.firstColumn + Math.max(0, ink);
}

let graphemes: Intl.Segmenter | undefined;

/** Made when first needed: that takes longer than all else that a cached bake shows. */
function graphemesOf(text: string): Intl.Segments {
  graphemes ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return graphemes.segment(text);
}

function toCells(line: ExcerptLine, from: number, until: number): readonly Cell[] {
  const cells: Cell[] = [];
  let position = 0;
  for (const { segment, index } of graphemesOf(line.text)) {
    const column = line.firstColumn + index;
    const isMarked = column < until && column + segment.length > from;
    const cell = segment === "\t" ? tabCell(position, isMarked) : printableCell(segment, isMarked);
    position += cell.width;
    cells.push(cell);
  }
  // A range at the end of the line, such as a missing word, still needs its caret.
  if (from >= line.firstColumn + line.text.length) cells.push({ text: " ", width: 1, isMarked: true });
  return cells;
}

function tabCell(position: number, isMarked: boolean): Cell {
  const width = tabWidth - (position % tabWidth);
  return { text: " ".repeat(width), width, isMarked };
}

function printableCell(segment: string, isMarked: boolean): Cell {
  const text = plainText(segment) === segment ? segment : "\ufffd";
  return { text, width: Math.max(1, stringWidth(text)), isMarked };
}

/** The cells that fit, from a little before the first marked one on. */
function windowAround(
  cells: readonly Cell[],
  columns: number,
  cut: { readonly before: boolean; readonly after: boolean },
): readonly Cell[] {
  if (widthOf(cells) <= columns && !cut.before && !cut.after) return cells;
  const firstMarked = Math.max(0, cells.findIndex(isMarked));
  const budget = columns - 2;
  const lead = Math.floor(budget / 3);
  let start = firstMarked;
  let leadWidth = 0;
  // All that stands before the marks is shown where they fit beside it.
  const fitsWhole = widthOf(cells.slice(0, firstMarked)) + widthOf(cells.filter(isMarked)) <= budget;
  while (start > 0) {
    const width = cells[start - 1]?.width ?? 0;
    if (!fitsWhole && leadWidth + width > lead) break;
    leadWidth += width;
    start -= 1;
  }
  let end = start;
  let width = 0;
  while (end < cells.length && width + (cells[end]?.width ?? 0) <= budget) {
    width += cells[end]?.width ?? 0;
    end += 1;
  }
  const mark: Cell = { text: cutMark, width: 1, isMarked: false };
  return [
    ...(start > 0 || cut.before ? [mark] : []),
    ...cells.slice(start, end),
    ...(end < cells.length || cut.after ? [mark] : []),
  ];
}

function widthOf(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell) => sum + cell.width, 0);
}

function isMarked(cell: Cell): boolean {
  return cell.isMarked;
}

function marksOf(cells: readonly Cell[]): string {
  return cells
    .map((cell) => (cell.isMarked ? "^" : " ").repeat(cell.width))
    .join("")
    .trimEnd();
}
