import type { Directive, Word } from "./ast.ts";
import { quoteWord, type Reporter } from "./reporter.ts";
import { directiveNames } from "./reserved.ts";
import { type Escape, isBlank, skipBlanks, trimmedEnd } from "./scan.ts";

export interface DirectiveZone {
  readonly directives: readonly Directive[];
  /** Comments that start before this offset are directives. */
  readonly end: number;
  readonly escape: Escape;
}

/**
 * Reads the special comments at the head of the file. The first line that is none (an ordinary comment, an unknown
 * name, a blank line, an instruction) ends them.
 */
export function readDirectives(text: string, reporter: Reporter): DirectiveZone {
  const directives: Directive[] = [];
  const first = new Map<string, Directive>();
  let escapeChar: Escape = "\\";
  let lineStart = text.startsWith("\uFEFF") ? 1 : 0;
  for (;;) {
    const lineEnd = text.indexOf("\n", lineStart);
    if (lineEnd === -1) break;
    const directive = readDirective(text, lineStart, lineEnd);
    if (directive === null) break;
    const earlier = first.get(directive.name.text.toLowerCase());
    if (earlier === undefined) {
      first.set(directive.name.text.toLowerCase(), directive);
      escapeChar = checkDirective(directive, reporter) ?? escapeChar;
    } else {
      reporter.error({
        code: "DuplicateDirective",
        range: directive.range,
        message: `the directive ${directive.name.text} stands here a second time`,
        hint: "remove one of them",
        related: [{ message: "first given here", range: earlier.range }],
      });
    }
    directives.push(directive);
    lineStart = lineEnd + 1;
  }
  return { directives, end: lineStart, escape: escapeChar };
}

function readDirective(text: string, lineStart: number, lineEnd: number): Directive | null {
  const hash = skipBlanks(text, lineStart);
  if (text[hash] !== "#") return null;
  const end = trimmedEnd(text, hash, lineEnd);
  const nameStart = skipBlanks(text, hash + 1);
  let nameEnd = nameStart;
  while (/[a-z0-9]/i.test(text.charAt(nameEnd))) nameEnd++;
  const equals = skipBlanks(text, nameEnd);
  if (text[equals] !== "=" || !directiveNames.includes(text.slice(nameStart, nameEnd).toLowerCase()))
    return null;
  let valueStart = equals + 1;
  while (valueStart < end && isBlank(text.charCodeAt(valueStart))) valueStart++;
  if (valueStart >= end) return null;
  const word = (from: number, to: number): Word => ({
    text: text.slice(from, to),
    range: { start: from, end: to },
  });
  return { name: word(nameStart, nameEnd), value: word(valueStart, end), range: { start: hash, end } };
}

/** Reports a wrong value; returns the escape character if the directive sets one. */
function checkDirective(directive: Directive, reporter: Reporter): Escape | undefined {
  const { name, value } = directive;
  if (name.text.toLowerCase() === "check") checkCheckOptions(value, reporter);
  if (name.text.toLowerCase() === "syntax") checkSyntax(value, reporter);
  if (name.text.toLowerCase() !== "escape") return undefined;
  if (value.text === "\\" || value.text === "`") return value.text;
  reporter.error({
    code: "InvalidDirective",
    range: value.range,
    message: `the escape character cannot be ${quoteWord(value.text)}`,
    hint: "it is either \\ or `",
  });
  return undefined;
}

/**
 * Whether a value of `# syntax=` names one of Docker's own frontends: they read the language that Lightfiles share, and
 * with another one the file may mean something else. Like BuildKit, takes what follows a blank for the frontend's options.
 */
export function isDockersFrontend(value: string): boolean {
  return /^(?:[\w.:-]+\/)*docker\/dockerfile(?:-upstream)?(?:[:@]\S+)?(?:\s|$)/.test(value);
}

function checkSyntax(value: Word, reporter: Reporter): void {
  if (isDockersFrontend(value.text)) return;
  reporter.warning({
    code: "UnknownSyntax",
    range: value.range,
    message: `the frontend ${quoteWord(value.text)} is not run: the file is read as a Lightfile`,
    hint: "take the line out, and what only that frontend knows",
  });
}

function checkCheckOptions(value: Word, reporter: Reporter): void {
  let start = value.range.start;
  for (const part of value.text.split(";")) {
    const range = { start, end: start + part.length };
    start = range.end + 1;
    const [key = "", ...rest] = part.split("=");
    const setting = rest.join("=").trim();
    const known = ["skip", "error", "experimental"].includes(key.trim().toLowerCase());
    const isBoolean = /^(?:true|false)$/i.test(setting);
    if (part.trim() === "" || (known && (key.trim().toLowerCase() === "error" ? isBoolean : setting !== "")))
      continue;
    reporter.error({
      code: "InvalidDirective",
      range,
      message: `check does not know ${quoteWord(part.trim())}`,
      hint: "write skip=RuleA,RuleB or skip=all, error=true, experimental=RuleA, with ; between them",
    });
  }
}
