import type { StepFailed, TestFailed } from "../bake/events.ts";
import type { Failure } from "../diagnostics/failure.ts";
import { colorsFor } from "./colors.ts";
import { formatDiagnostic, formatHint, type PrintOptions } from "./diagnostic-printer.ts";
import { formatStepFailure } from "./format-event.ts";
import { columnsOf, type OutputStream } from "./output-stream.ts";
import { colouredText, lastOverwrite, plainText } from "./printable-text.ts";
import { oneLine } from "./step-directory.ts";

/**
 * A failure as people read it, ending in a line feed: located statements, message, hint and stable code. The message
 * is left out where one of the statements is the failure itself with its place.
 */
export function formatFailure(failure: Failure, options: PrintOptions): string {
  const { colors } = options;
  const located = failure.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, options));
  const isLocated = failure.diagnostics.some(
    ({ code, message }) => code === failure.code && message === failure.message,
  );
  if (isLocated) return located.join("");
  const lines = [`${colors.red(`error[${failure.code}]`)}: ${plainText(failure.message)}`];
  if (failure.hint !== undefined) lines.push(...formatHint(failure.hint, colors));
  return `${located.join("")}${lines.join("\n")}\n`;
}

/** Writes {@link formatFailure} to a stream, in colour where it is a terminal. */
export function printFailure(
  failure: Failure,
  stream: OutputStream,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): void {
  stream.write(
    formatFailure(failure, { colors: colorsFor(stream, environment), columns: columnsOf(stream) }),
  );
}

/** A failed step as people read it: what and where, the end of its output, how to look inside. */
export function formatFailedStep(event: StepFailed, options: PrintOptions): string {
  const code = event.reason.kind === "refused" ? event.reason.code : "StepFailed";
  return formatFailed(event, { code, further: waysInside(event) }, options);
}

/** A failed TEST, likewise. */
export function formatFailedTest(event: TestFailed, options: PrintOptions): string {
  return formatFailed(event, { code: "TestFailed", further: null }, options);
}

interface FailedParts {
  readonly code: string;
  /** A hint that stands behind the others. */
  readonly further: string | null;
}

function formatFailed(
  event: StepFailed | TestFailed,
  { code, further }: FailedParts,
  options: PrintOptions,
): string {
  const { colors } = options;
  const { path, line, column } = { path: plainText(event.file), ...event.position };
  const title = oneLine(event.title);
  const lines = [
    `${colors.bold(`${path}:${line}:${column}`)}: ${colors.red(`error[${code}]`)}: ${title}`,
    `  ${colors.red("failed:")} ${plainText(formatStepFailure(event.reason))}`,
    ...outputTail(event, options),
  ];
  if (event.reason.kind === "refused" && event.reason.hint !== null) {
    lines.push(...formatHint(event.reason.hint, colors));
  }
  if (event.hint !== null) lines.push(...formatHint(event.hint, colors));
  if (further !== null) lines.push(...formatHint(further, colors));
  return `${lines.join("\n")}\n`;
}

function outputTail(event: StepFailed | TestFailed, { colors }: PrintOptions): readonly string[] {
  const printable = colors.isColorSupported ? colouredText : plainText;
  return event.outputTail.map((line) => `  ${colors.dim("|")} ${printable(lastOverwrite(line))}`);
}

function waysInside(event: StepFailed): string | null {
  const ways: string[] = [];
  if (event.keptBuilder !== null) {
    ways.push(`the builder still runs: lightbox shell ${event.keptBuilder}`);
  }
  if (event.debugLayer !== null) {
    ways.push(`look inside, as the step left the disk: lightbox debug ${event.lightfile}`);
  }
  return ways.length === 0 ? null : ways.join("\n");
}
