import type { IToken } from "chevrotain";
import type { Flag } from "./ast.ts";
import { readFlag } from "./flag-text.ts";
import {
  type HeredocBodies,
  type HeredocMarker,
  heredocMarkerAt,
  heredocMarkersIn,
  readHeredocBodies,
} from "./heredoc.ts";
import { joinContinuations } from "./joined-text.ts";
import { type JsonArray, readJsonArray } from "./json-array.ts";
import { isInstructionName } from "./reserved.ts";
import { continuationEnd, type Escape, scanLine, scanPlainWord, scanQuotedWord } from "./scan.ts";

/** What the lexer found out about a token and the parser must not find out again. */
export type TokenPayload =
  | { readonly kind: "json"; readonly array: JsonArray }
  | { readonly kind: "heredoc-markers"; readonly markers: readonly HeredocMarker[] }
  | { readonly kind: "heredoc-bodies"; readonly bodies: HeredocBodies }
  | { readonly kind: "open-quote"; readonly offset: number };

export interface Match {
  readonly end: number;
  readonly payload?: TokenPayload;
}

/** Where the lexer stands: the text from `offset` on, and the tokens before it. */
export interface Place {
  readonly text: string;
  readonly offset: number;
  readonly tokens: readonly IToken[];
  readonly escape: Escape;
}

/** How far the end of a heredoc may be that stands behind a misspelt instruction. */
const guessedHeredocLines = 50;

export function payloadOf(token: IToken): TokenPayload | undefined {
  return token.payload as TokenPayload | undefined; // chevrotain types it as any; only these patterns set it
}

/** Whether a token of that name is the first of an instruction. */
export function beginsInstruction(name: string): boolean {
  return isInstructionName(name) || name === "Unknown" || name === "BareOnbuild";
}

/** The instruction whose first argument would stand here; undefined when an argument already came. */
function instructionBefore(tokens: readonly IToken[]): string | undefined {
  for (let at = tokens.length - 1; at >= 0; at--) {
    const name = tokens[at]?.tokenType.name ?? "";
    if (name !== "Flag" && name !== "FlagsEnd") {
      return beginsInstruction(name) || name === "HealthcheckCommand" || name === "OutputName"
        ? name
        : undefined;
    }
  }
  return undefined;
}

function mayBeFlag({ text, offset, tokens }: Place): boolean {
  if (!text.startsWith("--", offset)) return false;
  const name = tokens.at(-1)?.tokenType.name ?? "";
  return name === "Flag" || beginsInstruction(name);
}

export function matchContinuation({ text, offset, escape: escapeChar }: Place): Match | null {
  if (text[offset] !== escapeChar) return null;
  const end = continuationEnd(text, offset, escapeChar);
  return end === -1 ? null : { end };
}

export function matchFlag(place: Place): Match | null {
  if (!mayBeFlag(place)) return null;
  const match = quotedMatch(place, true);
  return match.end === place.offset + 2 ? null : match;
}

/** `--` alone. */
export function matchFlagsEnd(place: Place): Match | null {
  const end = place.offset + 2;
  return mayBeFlag(place) && scanPlainWord(place.text, place.offset, place.escape) === end ? { end } : null;
}

export function matchJsonArray({ text, offset, tokens, escape: escapeChar }: Place): Match | null {
  if (text[offset] !== "[" || instructionBefore(tokens) === undefined) return null;
  const end = scanLine(text, offset, escapeChar);
  const array = readJsonArray(joinContinuations(text, { start: offset, end }, escapeChar));
  return array === null ? null : { end, payload: { kind: "json", array } };
}

/** The rest of the line, continuations included. */
export function matchText({ text, offset, escape: escapeChar }: Place): Match | null {
  const end = scanLine(text, offset, escapeChar);
  return end === offset ? null : { end };
}

export function matchCommandText(place: Place): Match | null {
  const match = matchText(place);
  const name = instructionBefore(place.tokens);
  if (match === null || !(name === "RUN" || name === "TEST" || name === "OutputName" || name === "Unknown"))
    return match;
  const markers = heredocMarkersIn(place.text, { start: place.offset, end: match.end }, place.escape);
  return markers.length === 0 ? match : { ...match, payload: { kind: "heredoc-markers", markers } };
}

export function matchWord({ text, offset, escape: escapeChar }: Place): Match | null {
  const end = scanPlainWord(text, offset, escapeChar);
  return end === offset ? null : { end };
}

export function matchHeredocMarker({ text, offset, escape: escapeChar }: Place): Match | null {
  const marker = heredocMarkerAt(text, offset, escapeChar);
  if (marker === null) return null;
  return { end: marker.end, payload: { kind: "heredoc-markers", markers: [marker] } };
}

export function matchAssignment(place: Place): Match | null {
  const match = quotedMatch(place, false);
  return match.end === place.offset ? null : match;
}

/** `name all the rest`: when the first word of ENV or LABEL has no `=` in it. */
export function matchLegacyAssignment(place: Place): Match | null {
  const name = instructionBefore(place.tokens);
  if (name !== "ENV" && name !== "LABEL") return null;
  const range = { start: place.offset, end: quotedMatch(place, false).end };
  return joinContinuations(place.text, range, place.escape).text.includes("=") ? null : matchText(place);
}

/** The first word behind `ENV --from-output`. */
export function matchOutputName(place: Place): Match | null {
  const { tokens } = place;
  if (instructionBefore(tokens) !== "ENV") return null;
  for (let at = tokens.length - 1; at >= 0; at--) {
    const token = tokens[at];
    const type = token?.tokenType.name;
    if (token === undefined || (type !== "Flag" && type !== "FlagsEnd")) return null;
    if (type === "Flag" && asksForOutput(readFlag(token, place))) return matchWord(place);
  }
  return null;
}

function asksForOutput({ name, value }: Flag): boolean {
  return name.text === "from-output" && (value === null || value.text.toLowerCase() === "true");
}

/** The first word behind USE. */
export function matchMixinName(place: Place): Match | null {
  return instructionBefore(place.tokens) === "USE" ? matchWord(place) : null;
}

export function matchHeredocBodies({ text, offset, tokens }: Place): Match | null {
  if (text[offset] !== "\n") return null;
  const { markers, isKnown } = pendingMarkers(tokens);
  if (markers.length === 0) return null;
  const bodies = readHeredocBodies(text, offset, markers, isKnown ? Infinity : guessedHeredocLines);
  // What looks like a heredoc behind a misspelt instruction must not swallow the rest of the file.
  if (bodies.unterminated !== null && !isKnown) return null;
  return { end: bodies.end, payload: { kind: "heredoc-bodies", bodies } };
}

/** The markers of the instruction that ends here and has no bodies yet. */
function pendingMarkers(tokens: readonly IToken[]): { markers: readonly HeredocMarker[]; isKnown: boolean } {
  const groups: (readonly HeredocMarker[])[] = [];
  for (let at = tokens.length - 1; at >= 0; at--) {
    const token = tokens[at];
    if (token === undefined || token.tokenType.name === "HeredocBodies") break;
    if (beginsInstruction(token.tokenType.name)) {
      return { markers: groups.reverse().flat(), isKnown: token.tokenType.name !== "Unknown" };
    }
    const payload = payloadOf(token);
    if (payload?.kind === "heredoc-markers") groups.push(payload.markers);
  }
  return { markers: [], isKnown: false };
}

function quotedMatch({ text, offset, escape: escapeChar }: Place, escapeInSingleQuotes: boolean): Match {
  const { end, openQuote } = scanQuotedWord(text, offset, escapeChar, escapeInSingleQuotes);
  return openQuote === -1 ? { end } : { end, payload: { kind: "open-quote", offset: openQuote } };
}
