/**
 * Path patterns in Go's manner: `*` and `?` stay inside one name, `[a-z]` and `[^a-z]` are classes, a backslash makes
 * the next character ordinary. In ignore files `**` is any number of directories, none included.
 *
 * All possible matches are followed at once: the time is at most pattern times path, whatever the pattern.
 */
export interface PathPattern {
  readonly parts: readonly PathPart[];
  /** What every matching path begins with. */
  readonly literalPrefix: string;
  /** True when the pattern is nothing but that prefix. */
  readonly isLiteral: boolean;
}

type PathPart =
  | { readonly kind: "character"; readonly code: number }
  | { readonly kind: "any" }
  | { readonly kind: "class"; readonly negated: boolean; readonly ranges: readonly CharacterRange[] }
  | { readonly kind: "star" }
  /** Before the first of any number of directories; the next part is always `in-directories`. */
  | { readonly kind: "directories" }
  | { readonly kind: "in-directories" }
  | { readonly kind: "everything" };

interface CharacterRange {
  readonly low: number;
  readonly high: number;
}

/** What is wrong with a pattern. `offset` is in UTF-16 units. */
export interface PatternProblem {
  readonly problem: string;
  readonly offset: number;
}

const slash = 47;

export function isPatternProblem(result: PathPattern | PatternProblem): result is PatternProblem {
  return "problem" in result;
}

export function parsePathPattern(
  text: string,
  options: { readonly directoryWildcards: boolean },
): PathPattern | PatternProblem {
  const parts: PathPart[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === "*" && options.directoryWildcards && text.charAt(at + 1) === "*") {
      at = addDirectories(parts, text, at);
    } else if (char === "*") {
      if (parts.at(-1)?.kind !== "star") parts.push({ kind: "star" });
      at++;
    } else if (char === "?") {
      parts.push({ kind: "any" });
      at++;
    } else if (char === "[") {
      const scanned = readClass(text, at);
      if ("problem" in scanned) return scanned;
      parts.push({ kind: "class", negated: scanned.negated, ranges: scanned.ranges });
      at = scanned.end;
    } else {
      if (char === "\\") at++;
      const code = text.codePointAt(at);
      if (code === undefined)
        return { problem: "it ends in a backslash that escapes nothing", offset: at - 1 };
      parts.push({ kind: "character", code });
      at += code > 0xffff ? 2 : 1;
    }
  }
  return withPrefix(parts);
}

/** `**` and the slash behind it; returns the offset after them. */
function addDirectories(parts: PathPart[], text: string, at: number): number {
  const hasSlash = text.charAt(at + 2) === "/";
  const end = at + (hasSlash ? 3 : 2);
  // Docker takes `**name` for "ends in name", as long as the name is plain.
  const endsInName = at === 0 && !hasSlash && !/[*?[\]\\]/.test(text.slice(end));
  if (end >= text.length || endsInName) parts.push({ kind: "everything" });
  else parts.push({ kind: "directories" }, { kind: "in-directories" });
  return end;
}

function withPrefix(parts: readonly PathPart[]): PathPattern {
  let literalPrefix = "";
  for (const part of parts) {
    if (part.kind !== "character") return { parts, literalPrefix, isLiteral: false };
    literalPrefix += String.fromCodePoint(part.code);
  }
  return { parts, literalPrefix, isLiteral: true };
}

function readClass(
  text: string,
  open: number,
): { negated: boolean; ranges: readonly CharacterRange[]; end: number } | PatternProblem {
  const negated = text.charAt(open + 1) === "^";
  const ranges: CharacterRange[] = [];
  let at = open + (negated ? 2 : 1);
  while (text.charAt(at) !== "]" || ranges.length === 0) {
    const low = readClassCharacter(text, at);
    if (low === null) return { problem: "the class [ is empty, malformed or never closed", offset: open };
    at = low.end;
    let high = low;
    if (text.charAt(at) === "-") {
      const upper = readClassCharacter(text, at + 1);
      if (upper === null) return { problem: "a range in the class [ has no end", offset: open };
      high = upper;
      at = upper.end;
    }
    ranges.push({ low: low.code, high: high.code });
  }
  return { negated, ranges, end: at + 1 };
}

function readClassCharacter(text: string, at: number): { code: number; end: number } | null {
  const char = text.charAt(at);
  if (char === "" || char === "-" || char === "]") return null;
  const start = char === "\\" ? at + 1 : at;
  const code = text.codePointAt(start);
  return code === undefined ? null : { code, end: start + (code > 0xffff ? 2 : 1) };
}

export function matchesPath(pattern: PathPattern, path: string): boolean {
  if (pattern.isLiteral) return path === pattern.literalPrefix;
  if (!path.startsWith(pattern.literalPrefix)) return false;
  return statesAfter(pattern, path).includes(pattern.parts.length);
}

/** Whether some path that begins with `prefix` can match. */
export function canMatchBelow(pattern: PathPattern, prefix: string): boolean {
  if (pattern.isLiteral) return pattern.literalPrefix.startsWith(prefix);
  const common = Math.min(prefix.length, pattern.literalPrefix.length);
  if (prefix.slice(0, common) !== pattern.literalPrefix.slice(0, common)) return false;
  return statesAfter(pattern, prefix).length > 0;
}

/** The states in which the pattern can be after the text; `parts.length` is the accepting one. */
function statesAfter({ parts }: PathPattern, text: string): readonly number[] {
  // For each state, how much text had been read when it was last entered: no state is entered twice at one place.
  const enteredAt = new Int32Array(parts.length + 1).fill(-1);
  let states: number[] = [];
  enter(0, { parts, states, enteredAt, at: 0 });
  for (let at = 0; at < text.length && states.length > 0; at++) {
    const code = text.codePointAt(at) ?? 0;
    if (code > 0xffff) at++;
    const next: number[] = [];
    const step = { parts, states: next, enteredAt, at: at + 1 };
    for (const state of states) read(state, code, step);
    states = next;
  }
  return states;
}

interface Step {
  readonly parts: readonly PathPart[];
  /** Where states are collected. */
  readonly states: number[];
  readonly enteredAt: Int32Array;
  readonly at: number;
}

/** Enters the states that follow when a state reads a character. */
function read(state: number, code: number, step: Step): void {
  const part = step.parts[state];
  if (part === undefined || part.kind === "directories") return;
  if (part.kind === "character" || part.kind === "any" || part.kind === "class") {
    if (matchesOne(part, code)) enter(state + 1, step);
    return;
  }
  if (part.kind === "star" && code === slash) return;
  enter(state, step);
  if (part.kind === "in-directories" && code === slash) enter(state + 1, step);
}

/** Enters a state and those behind it that are reached without reading anything. */
function enter(first: number, { parts, states, enteredAt, at }: Step): void {
  for (let state = first; enteredAt[state] !== at; ) {
    enteredAt[state] = at;
    states.push(state);
    const kind = parts[state]?.kind;
    if (kind === "star" || kind === "everything") state++;
    else if (kind === "directories") {
      // Either into some directory, or past all of them.
      if (enteredAt[state + 1] !== at) {
        enteredAt[state + 1] = at;
        states.push(state + 1);
      }
      state += 2;
    } else return;
  }
}

function matchesOne(part: Extract<PathPart, { kind: "character" | "any" | "class" }>, code: number): boolean {
  if (part.kind === "character") return part.code === code;
  if (code === slash) return false;
  if (part.kind === "any") return true;
  return part.ranges.some((range) => range.low <= code && code <= range.high) !== part.negated;
}
