import type { CopyInstruction, Word } from "./ast.ts";
import type { ParsedInstruction } from "./grammar.ts";
import { plainWordsIn } from "./plain-words.ts";
import { isListOfStrings, readJson, reportLikelyJson } from "./read-command.ts";
import { type InstructionParts, type ReadContext, reportNoArguments } from "./read-context.ts";
import { describeInstruction, isInstructionName } from "./reserved.ts";
import { scanLine, scanQuotedWord } from "./scan.ts";
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
    reportCutQuotes(words, name, context);
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
  return { kind: name === "COPY" ? "copy" : "add", ...base, sources: words.slice(0, -1), destination, json };
}

/** Says that quotes do not keep a path together: the words are cut at blanks before anyone looks at quotes. */
function reportCutQuotes(words: readonly Word[], name: string, context: ReadContext): void {
  let scanned = 0;
  for (const { text, range } of words) {
    if (range.start < scanned || text.startsWith("<<") || !/["']/.test(text)) continue;
    const { end, openQuote } = scanQuotedWord(context.text, range.start, context.escape, false);
    scanned = end;
    if (openQuote !== -1 || end <= range.end) continue;
    context.reporter.error({
      code: "UnclosedQuote",
      range: { start: range.start, end },
      message: `quotes do not keep a path of ${name} together: it is cut at its blanks`,
      hint: `write the paths as a JSON array: ${name} ["a path", "/to/there"]`,
    });
  }
}

/** The words of an instruction that cannot be acted on: a JSON array's strings, or all words as they stand there. */
export function invalidWords(
  parsed: ParsedInstruction,
  context: ReadContext,
): { words: readonly Word[]; json: boolean } {
  const payloads = parsed.arguments.map(payloadOf);
  const json = payloads.find((payload) => payload?.kind === "json");
  return json?.kind === "json" && json.array.onlyStrings
    ? { words: json.array.words, json: true }
    : { words: plainWords(parsed, context), json: false };
}

/**
 * The words of an instruction that cannot be acted on, simply cut at white space: all that stands behind its flags, also
 * where the grammar gave up.
 */
export function plainWords(parsed: ParsedInstruction, context: ReadContext): readonly Word[] {
  const start = rangeOf(parsed.flags.at(-1) ?? parsed.keyword).end;
  const end = scanLine(context.text, parsed.keyword.startOffset, context.escape);
  return plainWordsIn({ start, end }, context);
}
