import { readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { BakeEvent } from "../../bake/events.ts";
import type { ProgressMode } from "../../render/create-renderer.ts";
import { type EvidenceKind, numbersPerState } from "./evidence-states.ts";

/** What was asked for, as far as it is not on the disk. */
export interface Asked {
  readonly arguments: readonly string[];
  readonly workingDirectory: string;
  /** User and groups, which say what may be read, and the kernel, which says where microVMs run. */
  readonly host: string;
}

/** `HOME/remembered/….json`: a bake by its command line, with all that its outcome rests on. */
export interface RememberedBake {
  readonly asked: Asked;
  /** The variables that were read; null: not set. */
  readonly environment: readonly (readonly [name: string, value: string | null])[];
  readonly paths: readonly string[];
  /** One letter a path; see {@link kindLetters}. */
  readonly kinds: string;
  /** {@link numbersPerState} doubles a path. */
  readonly states: Float64Array;
  readonly mode: ProgressMode;
  readonly events: readonly BakeEvent[];
  /** What goes to stdout after the last event. */
  readonly conclusion: string;
}

/** Another number: all that was remembered is forgotten. */
const formatVersion = 1;

const kindLetters: Readonly<Record<EvidenceKind, string>> = {
  absent: "a",
  place: "p",
  content: "c",
  replaced: "r",
  entry: "e",
};
const kindsByLetter = new Map(
  (Object.keys(kindLetters) as EvidenceKind[]).map((kind) => [kindLetters[kind], kind]),
);

export function letterOf(kind: EvidenceKind): string {
  return kindLetters[kind];
}

export function kindAt(kinds: string, position: number): EvidenceKind | undefined {
  return kindsByLetter.get(kinds.charAt(position));
}

export function whatIsAsked(): Asked {
  const user = [process.getuid?.() ?? -1, ...(process.getgroups?.() ?? [])];
  const host = `${user.join(" ")} ${release()}`;
  return { arguments: process.argv.slice(1), workingDirectory: process.cwd(), host };
}

export function isSameQuestion(left: Asked, right: Asked): boolean {
  return (
    left.workingDirectory === right.workingDirectory &&
    left.host === right.host &&
    left.arguments.length === right.arguments.length &&
    left.arguments.every((word, position) => word === right.arguments[position])
  );
}

/** Their values are kept nowhere: a worker's token changes nothing of what a bake is. */
const secretVariables: ReadonlySet<string> = new Set(["LIGHTBOX_TOKEN"]);

/** A variable as it is remembered; null: not set. */
export function rememberedValue(name: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  return secretVariables.has(name) ? "set" : value;
}

export function rememberedFolder(homeDirectory: string): string {
  return join(homeDirectory, "remembered");
}

/** Two questions with one name take the place from each other: the file says which it is about. */
export function rememberedPath(homeDirectory: string, asked: Asked): string {
  return join(rememberedFolder(homeDirectory), `${shortHash(JSON.stringify(asked))}.json`);
}

/** FNV-1a over two halves: to load a real digest takes longer than all else that is done here. */
function shortHash(text: string): string {
  let [low, high] = [0x811c9dc5, 0x9dc5811c];
  for (let position = 0; position < text.length; position += 1) {
    const unit = text.charCodeAt(position);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ (unit + position), 0x01000193);
  }
  return [low, high].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

export function encodeRemembered({ states, ...rest }: RememberedBake): string {
  const bytes = Buffer.from(states.buffer, states.byteOffset, states.byteLength);
  return JSON.stringify({ formatVersion, ...rest, states: bytes.toString("base64") });
}

/** Undefined for a file that is not there, cannot be read, or says something else than this version would have. */
export function readRemembered(path: string): RememberedBake | undefined {
  try {
    return decode(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    // It only saves time, whatever is the matter with it.
    return undefined;
  }
}

function decode(value: unknown): RememberedBake | undefined {
  if (!isRecord(value) || value.formatVersion !== formatVersion) return undefined;
  const { asked, environment, paths, kinds, mode, events, conclusion } = value;
  const states = typeof value.states === "string" ? Buffer.from(value.states, "base64") : undefined;
  if (!isAsked(asked) || !isEnvironment(environment) || !isTexts(paths) || typeof kinds !== "string") {
    return undefined;
  }
  if (states?.length !== paths.length * numbersPerState * 8 || kinds.length !== paths.length)
    return undefined;
  if (!isMode(mode) || !isEvents(events) || typeof conclusion !== "string") return undefined;
  const numbers = new Float64Array(new Uint8Array(states).buffer);
  return { asked, environment, paths, kinds, states: numbers, mode, events, conclusion };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isAsked(value: unknown): value is Asked {
  if (!isRecord(value)) return false;
  return (
    isTexts(value.arguments) && typeof value.workingDirectory === "string" && typeof value.host === "string"
  );
}

function isEnvironment(value: unknown): value is RememberedBake["environment"] {
  const isPair = (pair: unknown): boolean =>
    Array.isArray(pair) && typeof pair[0] === "string" && (pair[1] === null || typeof pair[1] === "string");
  return Array.isArray(value) && value.every(isPair);
}

function isMode(value: unknown): value is ProgressMode {
  return typeof value === "string" && ["auto", "live", "plain", "json", "quiet"].includes(value);
}

/** Written by this very program, which is among the evidence: the kind is enough to tell it from anything else. */
function isEvents(value: unknown): value is readonly BakeEvent[] {
  const isEvent = (event: unknown): boolean => isRecord(event) && typeof event.kind === "string";
  return Array.isArray(value) && value.every(isEvent);
}
