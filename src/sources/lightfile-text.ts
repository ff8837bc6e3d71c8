import { Failure } from "../diagnostics/failure.ts";

/** Larger than any Lightfile that a person or a generator writes; it is read whole, so it has to be bounded. */
export const lightfileLimitBytes = 4 * 2 ** 20;

/**
 * The text of a Lightfile; a byte order mark is kept.
 * @param written as the user or the reference has it, for messages
 * @throws Failure `LightfileNotText`
 */
export function decodeLightfile(bytes: Uint8Array, written: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new Failure({
      code: "LightfileNotText",
      category: "usage",
      message: `${written} is not UTF-8 text`,
      hint: "is it the right file? A Lightfile is a text of instructions",
      cause: error,
    });
  }
}

/** What to throw for one over {@link lightfileLimitBytes}. */
export function lightfileTooLarge(written: string): Failure {
  return new Failure({
    code: "LightfileTooLarge",
    category: "usage",
    message: `${written} is larger than ${lightfileLimitBytes / 2 ** 20} MiB`,
    hint: "is it the right file? A Lightfile is a text of instructions",
  });
}
