import type { StepId } from "../model/identifiers.ts";
import { lastOverwrite } from "./printable-text.ts";

/** A line longer than this is printed in pieces. */
const lineLengthLimit = 16 * 1024;

type Stream = "stdout" | "stderr";

/** Cuts the output of steps into lines; streams and steps do not mix within a line. */
export class OutputLines {
  readonly #open = new Map<string, string>();

  /** The lines that `text` completes. */
  add(step: StepId, stream: Stream, text: string): readonly string[] {
    const id = `${stream} ${step}`;
    const pieces = ((this.#open.get(id) ?? "") + text).split("\n");
    let rest = pieces.pop() ?? "";
    if (rest.length > lineLengthLimit) {
      pieces.push(rest);
      rest = "";
    }
    this.#open.set(id, rest);
    return pieces.map(lastOverwrite);
  }

  /** The lines that the step has not ended, now that it has ended itself. */
  flush(step: StepId): readonly string[] {
    const lines: string[] = [];
    for (const stream of ["stdout", "stderr"] as const) {
      const id = `${stream} ${step}`;
      const rest = this.#open.get(id);
      this.#open.delete(id);
      if (rest !== undefined && rest !== "") lines.push(lastOverwrite(rest));
    }
    return lines;
  }
}
