import type { IToken } from "chevrotain";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Flag } from "./ast.ts";
import { readFlag } from "./flag-text.ts";
import { quoteWord, type Reporter } from "./reporter.ts";
import { describeInstruction, type FlagKind, type InstructionName } from "./reserved.ts";
import { payloadOf } from "./token-patterns.ts";
import { rangeOf, type TokenText } from "./token-words.ts";

/** Reads the flags of an instruction and reports those that it does not know or that are written wrongly. */
export function readFlags(
  tokens: readonly IToken[],
  name: InstructionName,
  context: TokenText & { readonly reporter: Reporter },
): readonly Flag[] {
  const { reporter } = context;
  const known: Readonly<Record<string, FlagKind>> = describeInstruction(name).flags;
  const first = new Map<string, Flag>();
  return tokens.map((token) => {
    const flag = readFlag(token, context);
    reportOpenQuote(token, reporter);
    const kind = Object.hasOwn(known, flag.name.text) ? known[flag.name.text] : undefined;
    if (kind === undefined) {
      reportUnknownFlag(flag, name, reporter);
      return flag;
    }
    checkValue(flag, kind, reporter);
    const earlier = first.get(flag.name.text);
    if (earlier === undefined) first.set(flag.name.text, flag);
    else if (kind !== "values") {
      reporter.error({
        code: "DuplicateFlag",
        range: flag.range,
        message: `flag --${flag.name.text} is given twice`,
        hint: "remove one of them",
        related: [{ message: "first given here", range: earlier.range }],
      });
    }
    return flag;
  });
}

export function reportOpenQuote(token: IToken, reporter: Reporter): void {
  const payload = payloadOf(token);
  if (payload?.kind !== "open-quote") return;
  const quote = token.image.charAt(payload.offset - token.startOffset);
  reporter.error({
    code: "UnclosedQuote",
    range: { start: payload.offset, end: rangeOf(token).end },
    message: `the quote ${quote} is never closed`,
    hint: `close it with ${quote}, or escape it`,
  });
}

/** Docker's flags that cannot act here, and why. */
const unusableFlags: Readonly<Record<string, string>> = {
  "RUN --device":
    "a step has no devices of the host: it runs in a virtual machine of its own; take the flag out",
};

function reportUnknownFlag(flag: Flag, name: InstructionName, reporter: Reporter): void {
  const known = Object.keys(describeInstruction(name).flags);
  const suggestion = didYouMean(flag.name.text, known)?.replace("mean ", "mean --");
  const none = `${name} has no flags; write ${name} -- … if its arguments start with --`;
  const list = `${name} knows ${known.map((flagName) => `--${flagName}`).join(", ")}`;
  reporter.error({
    code: "UnknownFlag",
    range: { start: flag.range.start, end: flag.name.range.end },
    message: `${name} has no flag ${quoteWord(`--${flag.name.text}`)}`,
    hint: unusableFlags[`${name} --${flag.name.text}`] ?? suggestion ?? (known.length === 0 ? none : list),
  });
}

function checkValue(flag: Flag, kind: FlagKind, reporter: Reporter): void {
  const { name, value } = flag;
  if (kind !== "boolean") {
    if (value !== null && value.text !== "") return;
    reporter.error({
      code: "MissingFlagValue",
      range: flag.range,
      message: `flag --${name.text} needs a value`,
      hint: `write --${name.text}=value, without blanks around the =`,
    });
    return;
  }
  if (value === null || /^(?:true|false)$/i.test(value.text)) return;
  reporter.error({
    code: "InvalidFlagValue",
    range: flag.range,
    message: `flag --${name.text} is either on or off, not ${quoteWord(value.text)}`,
    hint: `write --${name.text}, --${name.text}=true or --${name.text}=false`,
  });
}
