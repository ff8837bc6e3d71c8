import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { type Position, positionAt } from "../../diagnostics/source-file.ts";
import { plainText } from "../printable-text.ts";

/**
 * Diagnostics as commands of GitHub Actions, which shows them beside the lines of a change: one a line, as
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions describes.
 */
export function formatForGitHub(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((diagnostic) => `${annotation(diagnostic)}\n`).join("");
}

/** As {@link formatForGitHub}, of what went wrong at a place of which only the position is known. */
export function formatFailureForGitHub(failure: {
  readonly code: string;
  readonly message: string;
  readonly file: string;
  readonly position: Position;
}): string {
  const { line, column } = failure.position;
  const properties = [
    `file=${escapeProperty(failure.file)}`,
    `line=${line}`,
    `col=${column}`,
    `title=${escapeProperty(failure.code)}`,
  ];
  return `::error ${properties.join(",")}::${escapeData(plainText(failure.message))}\n`;
}

function annotation({ code, severity, message, hint, source, range, related = [] }: Diagnostic): string {
  const start = positionAt(source, range.start);
  const end = positionAt(source, Math.max(range.start, range.end));
  const properties = [
    `file=${escapeProperty(source.path)}`,
    `line=${start.line}`,
    // Columns are shown only where an annotation stays on one line.
    ...(end.line === start.line
      ? [`col=${start.column}`, `endColumn=${end.column}`]
      : [`endLine=${end.line}`]),
    `title=${escapeProperty(code)}`,
  ];
  const lines = [
    message,
    ...related.map((place) => {
      const { line, column } = positionAt(place.source, place.range.start);
      return `${place.source.path}:${line}:${column}: ${place.message}`;
    }),
    ...(hint === undefined ? [] : [`hint: ${hint}`]),
  ];
  return `::${severity} ${properties.join(",")}::${escapeData(plainText(lines.join("\n")))}`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(plainText(text)).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
