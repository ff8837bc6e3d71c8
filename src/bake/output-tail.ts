/** Enough to see a compiler's or a package manager's complaint. */
const defaultLineLimit = 30;
const lineLengthLimit = 2000;

/** Keeps the last lines of a step's output, in bounded memory whatever the step prints. */
export class OutputTail {
  readonly #lineLimit: number;
  readonly #lines: string[] = [];
  /** Per stream: the two may be cut in the middle of each other's lines. */
  readonly #open = { stdout: "", stderr: "" };

  constructor(lineLimit: number = defaultLineLimit) {
    this.#lineLimit = lineLimit;
  }

  add(stream: "stdout" | "stderr", text: string): void {
    const pieces = (this.#open[stream] + text).split(/\r?\n/);
    this.#open[stream] = (pieces.pop() ?? "").slice(-lineLengthLimit);
    // Only the last pieces can stay: the others need not be copied.
    for (const piece of pieces.slice(-this.#lineLimit)) this.#lines.push(piece.slice(-lineLengthLimit));
    if (this.#lines.length > this.#lineLimit) this.#lines.splice(0, this.#lines.length - this.#lineLimit);
  }

  /** Oldest first, lines that have not ended yet included. */
  lines(): readonly string[] {
    const open = [this.#open.stdout, this.#open.stderr].filter((line) => line !== "");
    return [...this.#lines, ...open].slice(-this.#lineLimit);
  }
}
