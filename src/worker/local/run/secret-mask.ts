const mask = "***";

/** Shorter ones are in so much other text that masking them tells more than it hides. */
const shortestMasked = 4;

/**
 * Takes secrets' values out of a stream of text that is shown and kept. A value that arrives in pieces is found, too: the
 * end of a text that may be the beginning of a value is held back until more comes.
 */
export class SecretMask {
  readonly #values: readonly string[];
  #held = "";

  constructor(values: readonly string[]) {
    const lines = values.map((value) => value.replace(/[\r\n]+$/, ""));
    this.#values = [...new Set(lines)]
      .filter((value) => value.length >= shortestMasked)
      .sort((left, right) => right.length - left.length);
  }

  /** What may be shown now. */
  take(text: string): string {
    if (this.#values.length === 0) return text;
    const masked = this.#replace(this.#held + text);
    const heldLength = this.#startOfValueAtEnd(masked);
    this.#held = masked.slice(masked.length - heldLength);
    return masked.slice(0, masked.length - heldLength);
  }

  /** What was held back, when no more comes. */
  finish(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  #replace(text: string): string {
    return this.#values.reduce((result, value) => result.replaceAll(value, mask), text);
  }

  /** Length of the longest end of the text with which a value begins. */
  #startOfValueAtEnd(text: string): number {
    let longest = 0;
    for (const value of this.#values) {
      for (let length = Math.min(value.length - 1, text.length); length > longest; length -= 1) {
        if (text.endsWith(value.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
