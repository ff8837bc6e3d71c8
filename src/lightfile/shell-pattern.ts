/**
 * The patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/text}`: `*` is any text, `?` any character
 * (neither crosses a line end), a backslash takes the special meaning of `*`, `?` and `\` away.
 *
 * All possible matches are followed at once, so that no pattern makes the time grow beyond pattern times text.
 */
export interface ShellPattern {
  readonly parts: readonly PatternPart[];
}

type PatternPart =
  | { readonly kind: "star" }
  | { readonly kind: "any" }
  | { readonly kind: "character"; readonly character: string };

/** The pattern, or the escape sequence in it that means nothing. */
export function parseShellPattern(pattern: string): ShellPattern | { readonly invalidEscape: string } {
  const parts: PatternPart[] = [];
  const characters = [...pattern];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? "";
    if (character === "*") {
      if (parts.at(-1)?.kind !== "star") parts.push({ kind: "star" });
    } else if (character === "?") parts.push({ kind: "any" });
    else if (character !== "\\") parts.push({ kind: "character", character });
    else {
      const next = characters[at + 1];
      // These two had to be escaped only because of the braces around the pattern.
      if (next === "}" || next === "/") continue;
      if (next !== "*" && next !== "?" && next !== "\\") return { invalidEscape: `\\${next ?? ""}` };
      parts.push({ kind: "character", character: next });
      at++;
    }
  }
  return { parts };
}

export function cutPrefix(pattern: ShellPattern, value: string, longest: boolean): string {
  const characters = [...value];
  const end = matchEnd(pattern.parts, characters, 0, longest);
  return end === -1 ? value : characters.slice(end).join("");
}

export function cutSuffix(pattern: ShellPattern, value: string, longest: boolean): string {
  const characters = [...value].reverse();
  const end = matchEnd(pattern.parts.toReversed(), characters, 0, longest);
  return end === -1 ? value : characters.slice(end).reverse().join("");
}

/** Replaces the first match, or all that do not overlap; each match is as long as possible. */
export function replaceMatches(
  pattern: ShellPattern,
  value: string,
  replacement: string,
  all: boolean,
): string {
  const characters = [...value];
  let result = "";
  let at = 0;
  let previousEnd = -1;
  while (at <= characters.length) {
    const start = firstMatchStart(pattern.parts, characters, at);
    if (start === -1) break;
    const end = matchEnd(pattern.parts, characters, start, true);
    result += characters.slice(at, start).join("");
    // An empty match right behind a match is not another one.
    if (end > start || start !== previousEnd) result += replacement;
    previousEnd = end;
    at = end;
    if (end === start) {
      result += characters[at] ?? "";
      at++;
    }
    if (!all) break;
  }
  return result + characters.slice(at).join("");
}

/** Where a match that begins at `start` ends: the nearest or the farthest end; -1 when there is none. */
function matchEnd(
  parts: readonly PatternPart[],
  characters: readonly string[],
  start: number,
  longest: boolean,
): number {
  let states = withStarsSkipped([0], parts);
  let found = -1;
  for (let at = start; ; at++) {
    if (states.at(-1) === parts.length) {
      found = at;
      if (!longest) return found;
    }
    const character = characters[at];
    if (character === undefined || states.length === 0) return found;
    states = withStarsSkipped(advance(states, parts, character), parts);
  }
}

/** The leftmost start of a match at or after `from`; -1 when there is none. */
function firstMatchStart(parts: readonly PatternPart[], characters: readonly string[], from: number): number {
  // For each state, the leftmost start that leads to it.
  let starts = new Map<number, number>();
  for (let at = from; ; at++) {
    if (!starts.has(0)) starts.set(0, at);
    for (const [state, start] of starts) {
      if (parts[state]?.kind === "star" && (starts.get(state + 1) ?? Infinity) > start)
        starts.set(state + 1, start);
    }
    const found = starts.get(parts.length);
    if (found !== undefined) return found;
    const character = characters[at];
    if (character === undefined) return -1;
    const next = new Map<number, number>();
    for (const [state, start] of starts) {
      const target = step(parts[state], state, character);
      if (target !== -1 && (next.get(target) ?? Infinity) > start) next.set(target, start);
    }
    starts = next;
  }
}

/** States in ascending order; a star may match nothing, which puts the state behind it in as well. */
function withStarsSkipped(states: readonly number[], parts: readonly PatternPart[]): number[] {
  const closed: number[] = [];
  for (const state of states) {
    if (closed.at(-1) !== state) closed.push(state);
    if (parts[state]?.kind === "star") closed.push(state + 1);
  }
  return closed;
}

function advance(states: readonly number[], parts: readonly PatternPart[], character: string): number[] {
  const next: number[] = [];
  for (const state of states) {
    const target = step(parts[state], state, character);
    if (target !== -1 && next.at(-1) !== target) next.push(target);
  }
  return next;
}

function step(part: PatternPart | undefined, state: number, character: string): number {
  if (part === undefined) return -1;
  if (part.kind === "character") return part.character === character ? state + 1 : -1;
  if (character === "\n") return -1;
  return part.kind === "star" ? state : state + 1;
}
