import type { StepFailure } from "../../worker.ts";

/** Of the output of earlier attempts that is kept for the log. */
const keptCharacters = 256 * 1024;

/** Failures that another start of the command may not have. */
const transientCodes: ReadonlySet<string> = new Set(["StepTimedOut", "OutputTooLong", "OutputNotText"]);

/** The starts of one step (`--retry`). */
export class Attempts {
  /** How often it may be started in all. */
  readonly count: number;
  #number = 1;
  #output = "";

  constructor(count: number) {
    this.count = count;
  }

  /** Of the present start, from 1 on. */
  get number(): number {
    return this.#number;
  }

  /** What the starts before this one printed, or the end of it; their logs went with their builders. */
  get earlierOutput(): string {
    return this.#output;
  }

  remember(text: string): void {
    if (this.#number < this.count) this.#output = (this.#output + text).slice(-keptCharacters);
  }

  /** Goes on to the next start, if there is one and it may turn out otherwise. */
  next(failure: StepFailure): boolean {
    const mayPass = failure.kind === "exit" || transientCodes.has(failure.code);
    if (!mayPass || this.#number >= this.count) return false;
    this.#number += 1;
    return true;
  }
}
