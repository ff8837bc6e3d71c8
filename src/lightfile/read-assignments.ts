import type { IToken } from "chevrotain";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { NamedValue, Word } from "./ast.ts";
import { wordInJoinedText } from "./joined-text.ts";
import { reportOpenQuote } from "./read-flags.ts";
import { quoteWord, type Reporter } from "./reporter.ts";
import { resourceSettings } from "./reserved.ts";
import { isBlank, skipBlanks } from "./scan.ts";
import { joinedTextOf, rangeOf, type TokenText } from "./token-words.ts";

type Context = TokenText & { readonly reporter: Reporter };
type Declaration = { readonly name: Word; readonly value: Word | null };

/** The pairs of ENV and LABEL. */
export function readAssignments(
  tokens: readonly IToken[],
  name: "ENV" | "LABEL",
  context: Context,
): { pairs: readonly NamedValue[]; legacy: boolean } {
  const [first] = tokens;
  if (first?.tokenType.name === "LegacyAssignment") {
    const pair = readLegacy(first, name, context);
    return { pairs: pair === null ? [] : [pair], legacy: true };
  }
  return {
    pairs: tokens.flatMap((token) => withValue(readDeclaration(token, context), name, context)),
    legacy: false,
  };
}

/** The names of ARG, each with its default or without. */
export function readDeclarations(tokens: readonly IToken[], context: Context): readonly Declaration[] {
  return tokens.map((token) => readDeclaration(token, context));
}

/** The values that USE gives to a mixin's ARGs. */
export function readParameters(tokens: readonly IToken[], context: Context): readonly NamedValue[] {
  const first = new Map<string, Word>();
  return tokens.flatMap((token) => {
    const [parameter] = withValue(readDeclaration(token, context), "USE", context);
    if (parameter === undefined) return [];
    const { name } = parameter;
    const earlier = first.get(name.text);
    if (earlier === undefined) first.set(name.text, name);
    else {
      context.reporter.error({
        code: "DuplicateParameter",
        range: name.range,
        message: `USE gives ${quoteWord(name.text)} twice`,
        hint: "remove one of them",
        related: [{ message: "first given here", range: earlier.range }],
      });
    }
    return [parameter];
  });
}

/** The settings of RESOURCES; unknown ones are reported and left in. */
export function readSettings(tokens: readonly IToken[], context: Context): readonly NamedValue[] {
  const { reporter } = context;
  const first = new Map<string, Word>();
  return tokens.flatMap((token) => {
    const [setting] = withValue(readDeclaration(token, context), "RESOURCES", context);
    if (setting === undefined) return [];
    const { name, value } = setting;
    const earlier = first.get(name.text);
    if (!resourceSettings.includes(name.text)) {
      reporter.error({
        code: "UnknownResource",
        range: name.range,
        message: `RESOURCES has no setting ${quoteWord(name.text)}`,
        hint: didYouMean(name.text, resourceSettings) ?? `it knows ${resourceSettings.join(", ")}`,
      });
    } else if (earlier !== undefined) {
      reporter.error({
        code: "DuplicateResource",
        range: name.range,
        message: `RESOURCES sets ${name.text} twice`,
        hint: "remove one of them",
        related: [{ message: "first set here", range: earlier.range }],
      });
    } else if (value.text === "") {
      reporter.error({
        code: "InvalidAssignment",
        range: rangeOf(token),
        message: `RESOURCES ${name.text} has no value`,
        hint: "for example: RESOURCES cpus=2 memory=1G disk=8G",
      });
    }
    if (earlier === undefined) first.set(name.text, name);
    return [setting];
  });
}

function readDeclaration(token: IToken, context: Context): Declaration {
  const joined = joinedTextOf(token, context);
  const { text } = joined;
  const equals = text.indexOf("=");
  reportOpenQuote(token, context.reporter);
  if (equals === 0) {
    context.reporter.error({
      code: "BlankName",
      range: rangeOf(token),
      message: `no name before the = in ${quoteWord(text)}`,
      hint: "write name=value, without blanks around the =",
    });
  }
  if (equals === -1) return { name: wordInJoinedText(joined, 0, text.length), value: null };
  return {
    name: wordInJoinedText(joined, 0, equals),
    value: wordInJoinedText(joined, equals + 1, text.length),
  };
}

function withValue(declaration: Declaration, instruction: string, context: Context): readonly NamedValue[] {
  const { name, value } = declaration;
  if (value !== null) return [{ name, value }];
  context.reporter.error({
    code: "InvalidAssignment",
    range: name.range,
    message: `${instruction} takes name=value, and there is no = in ${quoteWord(name.text)}`,
    hint: "put quotes around a value with blanks in it",
  });
  return [];
}

function readLegacy(token: IToken, instruction: string, context: Context): NamedValue | null {
  const joined = joinedTextOf(token, context);
  const { text } = joined;
  let nameEnd = 0;
  while (nameEnd < text.length && !isBlank(text.charCodeAt(nameEnd))) nameEnd++;
  const valueStart = skipBlanks(text, nameEnd);
  if (valueStart < text.length) {
    return {
      name: wordInJoinedText(joined, 0, nameEnd),
      value: wordInJoinedText(joined, valueStart, text.length),
    };
  }
  context.reporter.error({
    code: "InvalidAssignment",
    range: rangeOf(token),
    message: `${instruction} ${quoteWord(text)} has no value`,
    hint: `write ${instruction} ${text.slice(0, 40)}=value`,
  });
  return null;
}
