import { outputValueLimitBytes } from "../../../model/step-operation.ts";
import { StepRefused } from "../guest/step-refused.ts";

/** Gathers what an `ENV --from-output` prints. */
export class OutputValue {
  readonly #name: string;
  readonly #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** No more is kept than shows that it is too much. */
  add(chunk: Uint8Array): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes - chunk.length <= outputValueLimitBytes * 2) this.#chunks.push(chunk.slice());
  }

  /**
   * The value: what was printed, without the line ends at its end.
   * @throws StepRefused `OutputTooLong`, `OutputNotText`
   */
  finish(): string {
    const bytes = Buffer.concat(this.#chunks);
    let end = bytes.length;
    while (end > 0 && (bytes[end - 1] === 10 || bytes[end - 1] === 13)) end -= 1;
    if (end > outputValueLimitBytes || this.#sizeBytes > bytes.length) {
      throw new StepRefused(
        "OutputTooLong",
        `the command printed ${this.#sizeBytes} bytes, and ${this.#name} can have ${outputValueLimitBytes}`,
        "print less, or write it into a file that later steps read",
      );
    }
    const value = bytes.subarray(0, end);
    try {
      if (value.includes(0)) throw new TypeError("a NUL");
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new StepRefused(
        "OutputNotText",
        `what the command printed is not text, so it cannot be the value of ${this.#name}`,
        "print UTF-8 without NUL, base64 for example",
      );
    }
  }
}
