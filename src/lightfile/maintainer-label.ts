import type { OtherInstruction } from "./ast.ts";

/** The LABEL that says what a MAINTAINER says; in a LABEL, unlike there, variables and escapes mean something. */
export function maintainerLabel({ words }: Pick<OtherInstruction, "words">, escapeChar: string): string {
  const name = words
    .map((word) => word.text)
    .join(" ")
    .replace(/^(["'])(.*)\1$/s, "$2");
  const escaped = [...name].map((char) => (`"$${escapeChar}`.includes(char) ? `${escapeChar}${char}` : char));
  return `LABEL org.opencontainers.image.authors="${escaped.join("")}"`;
}
