import type { CopyInstruction, Word } from "./ast.ts";
import type { ParsedInstruction } from "./grammar.ts";
import { isListOfStrings, readJson, reportLikelyJson } from "./read-command.ts";
import { type InstructionParts, type ReadContext, reportNoArguments } from "./read-context.ts";
import { describeInstruction, isInstructionName } from "./reserved.ts";
import { scanPlainWord, skipBlanks } from "./scan.ts";
import { payloadOf } from "./token-patterns.ts";
import { rangeOf, wordOf } from "./token-words.ts";

/** The words of an instruction that takes a list, as JSON or separated by white space. */
export function readWords(
  parsed: ParsedInstruction,
  context: ReadContext,
): { words: readonly Word[]; json: boolean } {
  const [first] = parsed.arguments;
  const name = parsed.keyword.image.toUpperCase();
  if (first !== undefined && isInstructionName(name)) {
    const words = readJson(first, name, context);
    if (words !== null) return { words, json: true };
  }
  const words = parsed.arguments.map((token) => {
    const payload = payloadOf(token);
    const marker = payload?.kind === "heredoc-markers" ? payload.markers[0] : undefined;
    if (marker !== undefined) return { text: `<<${marker.delimiter.text}`, range: rangeOf(token) };
    return wordOf(token, context);
  });
  return { words, json: false };
}

export function readCopy(
  name: "COPY" | "ADD",
  parsed: ParsedInstruction,
  base: InstructionParts,
  context: ReadContext,
): CopyInstruction | null {
  const { words, json } = readWords(parsed, context);
  const first = words[0];
  const destination = words.at(-1);
  const lastToken = parsed.arguments.at(-1);
  if (first !== undefined && destination !== undefined && !json) {
    const range = { start: first.range.start, end: destination.range.end };
    const text = words.map((word) => word.text).join(" ");
    reportLikelyJson({ text, range }, name, context);
  }
  if (destination === undefined || words.length < 2) {
    if (!json || parsed.arguments.some(isListOfStrings)) reportNoArguments(name, base.keyword, context);
    return null;
  }
  if (lastToken !== undefined && payloadOf(lastToken)?.kind === "heredoc-markers") {
    context.reporter.error({
      code: "HeredocDestination",
      range: destination.range,
      message: `the destination of ${name} cannot be a heredoc`,
      hint: `add a path: ${describeInstruction(name).usage}`,
    });
  }
  return { kind: name === "COPY" ? "copy" : "add", ...base, sources: words.slice(0, -1), destination };
}

/** The words of an instruction that cannot be acted on, simply cut at white space. */
export function plainWords(parsed: ParsedInstruction, context: ReadContext): readonly Word[] {
  const words: Word[] = [];
  for (const token of parsed.arguments) {
    const { start, end } = rangeOf(token);
    let at = start;
    while (at < end) {
      const wordStart = skipBlanks(context.text, at);
      const wordEnd = Math.min(scanPlainWord(context.text, wordStart, context.escape), end);
      if (wordEnd > wordStart) {
        const image = context.text.slice(wordStart, wordEnd);
        words.push(wordOf({ ...token, image, startOffset: wordStart }, context));
      }
      at = Math.max(wordEnd, wordStart + 1);
    }
  }
  return words;
}
