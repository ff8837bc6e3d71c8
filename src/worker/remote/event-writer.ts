import type { Writable } from "node:stream";
import type { LineageEvent } from "../worker.ts";
import type { LineageLine } from "./lineage-schemas.ts";

/** Of the output that waits for a slow client; beyond it the oldest is left out (the kept log has all of it). */
export const waitingOutputLimit = 1024 * 1024;
/** Neighbouring output is joined up to this length, so that many small pieces cost few lines. */
const joinLimit = 32 * 1024;
/** What a line costs besides its text, so that many tiny ones are bounded, too. */
const lineCost = 256;

type OutputEvent = Extract<LineageEvent, { kind: "step-output" }>;

type Waiting =
  | { readonly kind: "line"; readonly line: LineageLine }
  | { readonly kind: "output"; readonly event: OutputEvent; text: string }
  | { readonly kind: "omitted"; readonly event: OutputEvent; characters: number };

/**
 * Writes a lineage's lines to a stream in order. A worker cannot be made to wait for its client, so while the
 * stream is full lines wait here: output is joined, and of too much output the oldest is left out with a note.
 * Every other line arrives.
 */
export class EventWriter {
  readonly #stream: Writable;
  #waiting: Waiting[] = [];
  #outputCost = 0;
  #isFull = false;
  #isScheduled = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("drain", () => {
      this.#isFull = false;
      this.#flush();
    });
  }

  /** About the characters of output that wait; never more than {@link waitingOutputLimit} and one event. */
  get waitingOutput(): number {
    return this.#outputCost;
  }

  write(line: LineageLine): void {
    this.#waiting.push({ kind: "line", line });
    this.#schedule();
  }

  writeEvent(event: LineageEvent): void {
    if (event.kind !== "step-output") {
      this.write({ event });
      return;
    }
    const last = this.#waiting.at(-1);
    if (last?.kind === "output" && canJoin(last.event, event) && last.text.length < joinLimit) {
      last.text += event.text;
      this.#outputCost += event.text.length;
    } else {
      this.#waiting.push({ kind: "output", event, text: event.text });
      this.#outputCost += event.text.length + lineCost;
    }
    if (this.#outputCost > waitingOutputLimit) this.#omitOldest();
    this.#schedule();
  }

  /** A sign of life, unless lines wait anyway. */
  beat(): void {
    if (this.#waiting.length === 0) this.write({ beat: true });
  }

  /** Writes the last line and ends the stream; resolves when the stream has closed. */
  async end(line: LineageLine): Promise<void> {
    this.write(line);
    if (this.#stream.destroyed) return;
    const closed = Promise.withResolvers<void>();
    this.#stream.once("close", closed.resolve);
    this.#stream.once("finish", closed.resolve);
    this.#flush();
    while (this.#waiting.length > 0 && !this.#stream.destroyed) {
      const drained = Promise.withResolvers<void>();
      this.#stream.once("drain", drained.resolve);
      await Promise.race([drained.promise, closed.promise]);
    }
    if (this.#stream.destroyed) return;
    this.#stream.end();
    await closed.promise;
  }

  /** Events of one turn of the event loop leave in one write. */
  #schedule(): void {
    if (this.#isScheduled || this.#isFull) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isFull || this.#waiting.length === 0 || this.#stream.destroyed) return;
    const text = this.#waiting.map((waiting) => `${JSON.stringify(lineOf(waiting))}\n`).join("");
    this.#waiting = [];
    this.#outputCost = 0;
    this.#isFull = !this.#stream.write(text);
  }

  /** Down to half of the limit, so that it is not done again for every event. */
  #omitOldest(): void {
    const kept: Waiting[] = [];
    for (const waiting of this.#waiting) {
      if (
        waiting.kind === "line" ||
        (waiting.kind === "output" && this.#outputCost <= waitingOutputLimit / 2)
      ) {
        kept.push(waiting);
        continue;
      }
      const characters = waiting.kind === "output" ? waiting.text.length : waiting.characters;
      if (waiting.kind === "output") this.#outputCost -= waiting.text.length + lineCost;
      const previous = kept.at(-1);
      if (previous?.kind === "omitted") previous.characters += characters;
      else kept.push({ kind: "omitted", event: waiting.event, characters });
    }
    this.#waiting = kept;
  }
}

function canJoin(left: OutputEvent, right: OutputEvent): boolean {
  return left.index === right.index && left.stream === right.stream;
}

function lineOf(waiting: Waiting): LineageLine {
  switch (waiting.kind) {
    case "line":
      return waiting.line;
    case "output":
      return { event: { ...waiting.event, text: waiting.text } };
    case "omitted": {
      const text = `\n[${waiting.characters} characters of output left out: the connection is too slow]\n`;
      return { event: { ...waiting.event, text } };
    }
  }
}
