import type { BakeEvent, BaseProgress, SourceFetched, TestPassed } from "../bake/events.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import type { StepId } from "../model/identifiers.ts";
import { type Colors, colorsFor } from "./colors.ts";
import { formatLocatedDiagnostic, type PrintOptions } from "./diagnostic-printer.ts";
import { formatFailedStep, formatFailedTest } from "./failure-printer.ts";
import * as wording from "./format-event.ts";
import { OutputLines } from "./output-lines.ts";
import { columnsOf, type OutputStream } from "./output-stream.ts";
import { colouredText, plainText } from "./printable-text.ts";
import type { Renderer } from "./renderer.ts";
import { StepDirectory } from "./step-directory.ts";

/** How often a pull may say how far it is. */
const baseProgressEveryMs = 5000;

const noticeableMs = 1000;

/** Wide enough for the longest word that follows a step's label. */
const wordWidth = 9;

/** One line per event, in the order in which they happen: for logs, pipes and CI. */
export class PlainRenderer implements Renderer {
  readonly #stream: OutputStream;
  readonly #colors: Colors;
  readonly #steps = new StepDirectory();
  readonly #output = new OutputLines();
  readonly #baseReportedAt = new Map<string, number>();

  constructor(stream: OutputStream, environment: Readonly<Record<string, string | undefined>>) {
    this.#stream = stream;
    this.#colors = colorsFor(stream, environment);
  }

  onEvent(event: BakeEvent): void {
    switch (event.kind) {
      case "bake-started": {
        const target = event.target === null ? "" : `, target ${event.target}`;
        this.#line(`baking ${event.lightfile}${target}`);
        break;
      }
      case "source-fetching":
      case "source-progress":
      case "base-resolving":
      case "step-queued":
      case "worker-opening":
        break;
      case "worker-opened":
        this.#workerOpened(event.durationMs);
        break;
      case "source-fetched":
        this.#sourceFetched(event);
        break;
      case "base-resolved":
        this.#line(`base ${wording.formatBaseResolved(event)}`);
        break;
      case "base-retrying":
        this.#line(`base ${wording.formatBaseRetrying(event)}`);
        break;
      case "base-progress":
        this.#baseProgress(event, event.at);
        break;
      case "base-imported":
        this.#line(
          `base ${event.reference} is on the worker after ${wording.formatDuration(event.durationMs)}`,
        );
        break;
      case "planned":
        this.#steps.fill(event);
        this.#line(
          `plan: ${wording.plural(this.#steps.size, "step")} in ${wording.plural(event.stages.length, "stage")}`,
        );
        break;
      case "step-cached":
        this.#stepLine(event.step, "cached", this.#withNote(event.step, wording.formatCached(event)));
        break;
      case "step-waiting":
        this.#stepLine(event.step, "waiting", wording.formatWaiting(event));
        break;
      case "builder-starting":
        this.#stepLine(event.step, "booting", "a builder");
        break;
      case "builder-started":
        this.#stepLine(event.step, "booted", `in ${wording.formatDuration(event.durationMs)}`);
        break;
      case "worker-lost":
        this.#line(`worker lost, it is opened again: ${event.message}`);
        break;
      case "builder-lost":
        this.#outputLines(event.step, this.#output.flush(event.step));
        this.#stepLine(event.step, "lost", `its builder, another one starts: ${event.message}`);
        break;
      case "step-started":
        this.#stepLine(event.step, "run", this.#steps.entry(event.step).title);
        break;
      case "step-output":
        this.#outputLines(event.step, this.#output.add(event.step, event.stream, event.text));
        break;
      case "step-completed":
        this.#outputLines(event.step, this.#output.flush(event.step));
        this.#stepLine(event.step, "done", `in ${wording.formatDuration(event.durationMs)}`);
        break;
      case "layer-sealed":
        this.#sealed(event.steps, event.sizeBytes, event.durationMs);
        break;
      case "step-failed":
        this.#outputLines(event.step, this.#output.flush(event.step));
        this.#stepLine(event.step, "failed", wording.formatStepFailure(event.reason), this.#colors.red);
        this.#stream.write(formatFailedStep(event, this.#printOptions()));
        break;
      case "step-cancelled":
        this.#outputLines(event.step, this.#output.flush(event.step));
        this.#stepLine(event.step, "cancelled", this.#steps.entry(event.step).title);
        break;
      case "test-started":
        this.#stepLine(event.test, "test", this.#steps.entry(event.test).title);
        break;
      case "test-output":
        this.#outputLines(event.test, this.#output.add(event.test, event.stream, event.text));
        break;
      case "test-passed":
        this.#outputLines(event.test, this.#output.flush(event.test));
        this.#testPassed(event);
        break;
      case "test-failed":
        this.#outputLines(event.test, this.#output.flush(event.test));
        this.#stepLine(event.test, "failed", wording.formatStepFailure(event.reason), this.#colors.red);
        this.#stream.write(formatFailedTest(event, this.#printOptions()));
        break;
      case "snapshot-published":
        this.#line(`published ${event.name}`);
        break;
      case "diagnostic":
        // Errors are the outcome's: whoever gets it prints them, all together.
        if (event.diagnostic.severity === "error") break;
        this.#stream.write(formatLocatedDiagnostic(event.diagnostic, this.#printOptions()));
        break;
      case "bake-completed":
        this.#completed(wording.formatCompleted(event));
        break;
      default:
        unreachable(event);
    }
  }

  close(): void {}

  #printOptions(): PrintOptions {
    return { colors: this.#colors, columns: columnsOf(this.#stream) };
  }

  /** Worth a line only where something had to be started or reached over a network. */
  #workerOpened(durationMs: number): void {
    if (durationMs >= noticeableMs) this.#line(`worker ready after ${wording.formatDuration(durationMs)}`);
  }

  /** As with the worker: what was on this host already is not worth a line. */
  #sourceFetched({ source, durationMs }: SourceFetched): void {
    if (durationMs >= noticeableMs) this.#line(`fetched ${source} in ${wording.formatDuration(durationMs)}`);
  }

  #baseProgress(event: BaseProgress, at: number): void {
    const id = `${event.phase} ${event.reference}`;
    const reportedAt = this.#baseReportedAt.get(id);
    if (reportedAt !== undefined && at - reportedAt < baseProgressEveryMs) return;
    this.#baseReportedAt.set(id, at);
    this.#line(`base ${wording.formatBaseProgress(event)}`);
  }

  #testPassed({ test, remembered, durationMs }: TestPassed): void {
    const { title } = this.#steps.entry(test);
    const note = remembered ? `${title} (on this result before)` : `in ${wording.formatDuration(durationMs)}`;
    this.#stepLine(test, "passed", note);
  }

  #withNote(step: StepId, note: string): string {
    const { title } = this.#steps.entry(step);
    return note === "" ? title : `${title} (${note})`;
  }

  #sealed(steps: readonly StepId[], sizeBytes: number, durationMs: number): void {
    const last = steps.at(-1);
    if (last === undefined) return;
    const what = steps.length > 1 ? `${wording.plural(steps.length, "step")} as one layer, ` : "";
    const size = wording.formatSize(sizeBytes);
    this.#stepLine(last, "sealed", `${what}${size} in ${wording.formatDuration(durationMs)}`);
  }

  #outputLines(step: StepId, lines: readonly string[]): void {
    const printable = this.#colors.isColorSupported ? colouredText : plainText;
    const prefix = `${this.#label(step)} ${this.#colors.dim("|")} `;
    for (const line of lines) this.#stream.write(`${prefix}${printable(line)}\n`);
  }

  #stepLine(
    step: StepId,
    word: string,
    rest: string,
    color: (text: string) => string = (text) => text,
  ): void {
    this.#stream.write(`${this.#label(step)} ${color(word.padEnd(wordWidth))} ${plainText(rest)}`.trimEnd());
    this.#stream.write("\n");
  }

  #label(step: StepId): string {
    return this.#colors.cyan(this.#steps.entry(step).label);
  }

  #completed(text: string | null): void {
    if (text !== null) this.#line(text);
  }

  #line(text: string): void {
    this.#stream.write(`${plainText(text)}\n`);
  }
}
