import { Writable } from "node:stream";
import { createLogUpdate } from "log-update";
import type { BakeEvent } from "../bake/events.ts";
import { type Colors, colorsFor } from "./colors.ts";
import { formatLocatedDiagnostic } from "./diagnostic-printer.ts";
import { formatFailedStep, formatFailedTest } from "./failure-printer.ts";
import * as wording from "./format-event.ts";
import { alignTime, type FrameOptions, liveFrame } from "./live-frame.ts";
import { LiveState } from "./live-state.ts";
import { columnsOf, type OutputStream, rowsOf } from "./output-stream.ts";
import type { Renderer } from "./renderer.ts";
import { oneLine } from "./step-directory.ts";

export interface LiveOptions {
  readonly stream: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Calls back again and again until the returned function is called. */
  startTicking(callback: () => void, everyMs: number): () => void;
}

/** Often enough to look alive; whatever happens in between is drawn at once, which is what keeps it calm. */
const frameEveryMs = 100;

/** What takes less was on this host already, or might as well have been. */
const noticeableMs = 1000;

const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";

/**
 * For a terminal: what is done stands above as a lasting line, what goes on now is redrawn below it.
 */
export class LiveRenderer implements Renderer {
  readonly #options: LiveOptions;
  readonly #colors: Colors;
  readonly #state = new LiveState();
  readonly #frames: ReturnType<typeof createLogUpdate>;
  #lasting = "";
  #stopTicking: (() => void) | null = null;
  #isClosed = false;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#colors = colorsFor(options.stream, options.environment);
    // The cursor is this class's business: log-update would hide that of process.stderr.
    this.#frames = createLogUpdate(new TerminalWritable(options.stream), { showCursor: true });
  }

  onEvent(event: BakeEvent): void {
    if (this.#isClosed) return;
    this.#lasting += this.#lastingText(event);
    this.#state.take(event);
    if (event.kind === "bake-completed") {
      this.close();
      return;
    }
    if (this.#stopTicking === null) {
      this.#options.stream.write(hideCursor);
      this.#stopTicking = this.#options.startTicking(() => this.#draw(), frameEveryMs);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopTicking?.();
    this.#frames.clear();
    this.#options.stream.write(`${this.#lasting}${showCursor}`);
    this.#lasting = "";
  }

  #draw(): void {
    if (this.#lasting !== "") this.#frames.persist(this.#lasting);
    this.#lasting = "";
    this.#frames(liveFrame(this.#state, this.#frameOptions()));
  }

  #frameOptions(): FrameOptions {
    const { stream, now } = this.#options;
    return { columns: columnsOf(stream), rows: rowsOf(stream), now: now(), colors: this.#colors };
  }

  /** The lines that stay, each with its line feed; most events leave none. */
  #lastingText(event: BakeEvent): string {
    const colors = this.#colors;
    const printOptions = { colors, columns: columnsOf(this.#options.stream) };
    switch (event.kind) {
      case "source-fetched":
        if (event.durationMs < noticeableMs) return "";
        return this.#line(
          colors.green("✓"),
          "",
          `fetched ${event.source}`,
          wording.formatDuration(event.durationMs),
        );
      case "base-resolved":
        return this.#line(colors.green("✓"), "", `base ${wording.formatBaseResolved(event)}`, "");
      case "base-imported": {
        const time = wording.formatDuration(event.durationMs);
        return this.#line(colors.green("✓"), "", `base ${event.reference} is on the worker`, time);
      }
      case "step-cached": {
        const { label, title } = this.#state.steps.entry(event.step);
        const note = wording.formatCached(event);
        return this.#line(colors.blue("●"), label, title, note === "" ? "cached" : `cached, ${note}`);
      }
      case "step-completed": {
        const { label, title } = this.#state.steps.entry(event.step);
        return this.#line(colors.green("✓"), label, title, wording.formatDuration(event.durationMs));
      }
      case "step-failed": {
        const { label, title } = this.#state.steps.entry(event.step);
        const line = this.#line(colors.red("✗"), label, title, wording.formatStepFailure(event.reason));
        return `${line}${formatFailedStep(event, printOptions)}`;
      }
      case "step-cancelled": {
        const { label, title } = this.#state.steps.entry(event.step);
        return this.#line(colors.yellow("–"), label, title, "cancelled");
      }
      case "test-passed": {
        const { label, title } = this.#state.steps.entry(event.test);
        return this.#line(colors.green("✓"), label, title, wording.formatTestPassed(event));
      }
      case "test-failed": {
        const { label, title } = this.#state.steps.entry(event.test);
        const line = this.#line(colors.red("✗"), label, title, wording.formatStepFailure(event.reason));
        return `${line}${formatFailedTest(event, printOptions)}`;
      }
      case "diagnostic":
        // Errors are the outcome's: whoever gets it prints them, all together.
        return event.diagnostic.severity === "error"
          ? ""
          : formatLocatedDiagnostic(event.diagnostic, printOptions);
      case "bake-completed": {
        const text = wording.formatCompleted(event);
        if (text === null) return "";
        const mark = event.outcome === "completed" ? colors.green("✓") : colors.red("✗");
        return this.#line(mark, "", text, "");
      }
      default:
        return "";
    }
  }

  #line(mark: string, label: string, text: string, right: string): string {
    const columns = columnsOf(this.#options.stream);
    const shownLabel = label === "" ? "" : `${this.#colors.cyan(label)} `;
    const left = `${mark} ${shownLabel}${oneLine(text)}`;
    // The last line of a bake is worth being wrapped rather than cut.
    if (label === "" && right === "") return `${left}\n`;
    return `${alignTime(left, oneLine(right), { columns, colors: this.#colors })}\n`;
  }
}

/** log-update takes a Node.js stream; writes go through at once. */
class TerminalWritable extends Writable {
  readonly #stream: OutputStream;

  constructor(stream: OutputStream) {
    super({ decodeStrings: false });
    this.#stream = stream;
  }

  override _write(chunk: string, _encoding: string, callback: () => void): void {
    this.#stream.write(chunk);
    callback();
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number {
    return columnsOf(this.#stream);
  }

  get rows(): number {
    return rowsOf(this.#stream);
  }
}
