import { type LocatedDiagnostic, type LocatedText, locateDiagnostic } from "../bake/located-diagnostic.ts";
import type { Diagnostic, Severity } from "../diagnostics/diagnostic.ts";
import { type Colors, colorsFor } from "./colors.ts";
import { plural } from "./format-event.ts";
import { columnsOf, type OutputStream } from "./output-stream.ts";
import { plainText } from "./printable-text.ts";
import { markRange } from "./source-excerpt.ts";

export interface PrintOptions {
  readonly colors: Colors;
  /** Width of the terminal. */
  readonly columns: number;
}

/**
 * A diagnostic as people read it, ending in a line feed:
 *
 *     Lightfile:2:1: error[UnknownInstruction]: unknown instruction RNU
 *       2 | RNU make
 *         | ^^^
 *       hint: did you mean RUN?
 */
export function formatLocatedDiagnostic(diagnostic: LocatedDiagnostic, options: PrintOptions): string {
  const { colors } = options;
  const title = severityColor(diagnostic.severity, colors)(`${diagnostic.severity}[${diagnostic.code}]`);
  const lines = [
    `${colors.bold(placeOf(diagnostic))}: ${title}: ${plainText(diagnostic.message)}`,
    ...excerpt(diagnostic.place, severityColor(diagnostic.severity, colors), options),
  ];
  for (const { message, place } of diagnostic.related) {
    lines.push(`  ${colors.bold(formatPlace(place))}: ${plainText(message)}`);
    lines.push(...excerpt(place, colors.cyan, options));
  }
  if (diagnostic.hint !== null) lines.push(...formatHint(diagnostic.hint, colors));
  return `${lines.join("\n")}\n`;
}

/** A statement about the whole text has no line. */
function placeOf({ place }: LocatedDiagnostic): string {
  return place.lines.length === 0 ? plainText(place.path) : formatPlace(place);
}

/** Like {@link formatLocatedDiagnostic}, for a diagnostic that still has its source. */
export function formatDiagnostic(diagnostic: Diagnostic, options: PrintOptions): string {
  return formatLocatedDiagnostic(locateDiagnostic(diagnostic), options);
}

/**
 * Writes diagnostics to a stream in the order of each text, in colour where it is a terminal. Several errors end with
 * their number, which a long list would otherwise hide.
 */
export function printDiagnostics(
  diagnostics: readonly Diagnostic[],
  stream: OutputStream,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): void {
  const options = { colors: colorsFor(stream, environment), columns: columnsOf(stream) };
  for (const diagnostic of inReadingOrder(diagnostics)) stream.write(formatDiagnostic(diagnostic, options));
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  if (errors > 1) stream.write(`${options.colors.red(plural(errors, "error"))}\n`);
}

/** By place; texts in the order in which they come first. */
function inReadingOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const texts = new Map<string, Diagnostic[]>();
  for (const diagnostic of diagnostics) {
    const same = texts.get(diagnostic.source.path);
    if (same === undefined) texts.set(diagnostic.source.path, [diagnostic]);
    else same.push(diagnostic);
  }
  return [...texts.values()].flatMap((same) =>
    same.toSorted((left, right) => left.range.start - right.range.start),
  );
}

/** `hint: …`; further lines are indented to stand below the first. */
export function formatHint(hint: string, colors: Colors): readonly string[] {
  return plainText(hint)
    .split("\n")
    .map((line, position) => (position === 0 ? `  ${colors.cyan("hint:")} ${line}` : `        ${line}`));
}

function formatPlace(place: Pick<LocatedText, "path" | "start">): string {
  return `${plainText(place.path)}:${place.start.line}:${place.start.column}`;
}

function severityColor(severity: Severity, colors: Colors): (text: string) => string {
  return severity === "error" ? colors.red : colors.yellow;
}

function excerpt(
  place: LocatedText,
  markColor: (text: string) => string,
  { colors, columns }: PrintOptions,
): readonly string[] {
  const lastLine = place.lines.at(-1)?.line ?? place.start.line;
  const gutterWidth = String(lastLine).length;
  const marked = markRange(place, columns - gutterWidth - "   | ".length);
  const bar = colors.dim("|");
  const lines = marked.flatMap(({ line, text, marks }) => [
    `  ${colors.dim(String(line).padStart(gutterWidth))} ${bar} ${text}`,
    ...(marks === "" ? [] : [`  ${" ".repeat(gutterWidth)} ${bar} ${markColor(marks)}`]),
  ]);
  const left = place.end.line - lastLine;
  if (left > 0) lines.push(`  ${" ".repeat(gutterWidth)} ${bar} ${colors.dim(`… ${left} more lines`)}`);
  return lines;
}
