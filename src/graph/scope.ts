import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Range } from "../diagnostics/source-file.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import {
  type ExpansionRequest,
  expandBody,
  expandText,
  placesInWord,
  splitText,
  variableLength,
} from "./expansion.ts";
import type { Findings } from "./findings.ts";
import { bodyAsWord, type PlacesInText, placesInBody } from "./heredoc-body.ts";

export interface ScopeOptions {
  readonly findings: Findings;
  readonly escape: "\\" | "`";
  /** Starting values; copied. */
  readonly values: ReadonlyMap<string, string>;
  /** The code of the warning about a name that nobody set. */
  readonly undefinedCode: "UndefinedVar" | "UndefinedArgInFrom";
  /**
   * False as long as the base image is not looked up, and where a line could not be read: a name that the file does
   * not set may then be set there, and what rests on such a name is not judged.
   */
  readonly complete: boolean;
  /** Names whose values already rest on something unknown. */
  readonly unsure?: ReadonlySet<string>;
  /** Names whose values a step prints: see {@link Scope.setLater}. */
  readonly later?: ReadonlySet<string>;
  /** Names that an ARG declares, with a value or without: reading them is no mistake. */
  readonly declared?: ReadonlySet<string>;
  /** What a bare ARG would take over. */
  readonly outer?: Pick<Scope, "values" | "declared">;
}

function isMalformed(code: string): boolean {
  return code === "BadSubstitution" || code === "UnclosedQuote";
}

/** Among more names than a person writes, the nearest one is not worth the search. */
const mostCandidates = 500;

/** The variables at one point of the file, and the expansion of words with them. */
export class Scope {
  readonly #findings: Findings;
  readonly #escape: "\\" | "`";
  readonly #undefinedCode: string;
  #complete: boolean;
  readonly #values: Map<string, string>;
  readonly #unsure: Set<string>;
  readonly #later: Set<string>;
  readonly #declared: Set<string>;
  readonly #outer: ScopeOptions["outer"];
  #record: Readonly<Record<string, string>> | null = null;
  #read = new Map<string, string>();
  #restsOnUnknown = false;
  #readLater: string[] = [];
  #mark = 0;
  /** What holds of the instruction whatever the values are that it reads. */
  readonly #certain = new Set<Diagnostic>();

  constructor(options: ScopeOptions) {
    this.#findings = options.findings;
    this.#escape = options.escape;
    this.#undefinedCode = options.undefinedCode;
    this.#complete = options.complete;
    this.#values = new Map(options.values);
    this.#unsure = new Set(options.unsure);
    this.#later = new Set(options.later);
    this.#declared = new Set(options.declared);
    this.#outer = options.outer;
  }

  get complete(): boolean {
    return this.#complete;
  }

  get values(): ReadonlyMap<string, string> {
    return this.#values;
  }

  /** The values as an object; the same one until a value is set. */
  get record(): Readonly<Record<string, string>> {
    this.#record ??= Object.fromEntries(this.#values);
    return this.#record;
  }

  get unsure(): ReadonlySet<string> {
    return this.#unsure;
  }

  /** Forgets what was read: a new instruction begins. */
  beginInstruction(): void {
    this.#read = new Map();
    this.#restsOnUnknown = false;
    this.#mark = this.#findings.mark();
    this.#certain.clear();
  }

  /** Takes back what was said about an instruction whose values are not known yet, and may be no mistake. */
  endInstruction(): void {
    if (this.#restsOnUnknown) this.#findings.forgetSince(this.#mark, this.#certain);
  }

  /** Reads a part of an instruction that is right or wrong by itself, whatever is unknown of the rest. */
  alone<Result>(read: () => Result): Result {
    const before = this.#restsOnUnknown;
    const mark = this.#findings.mark();
    this.#restsOnUnknown = false;
    const result = read();
    if (!this.#restsOnUnknown) this.#keep(mark);
    this.#restsOnUnknown ||= before;
    return result;
  }

  #keep(mark: number): void {
    for (const diagnostic of this.#findings.since(mark)) this.#certain.add(diagnostic);
  }

  /** True when what the instruction read so far is not known for sure: it is not to be acted on yet. */
  get restsOnUnknown(): boolean {
    return this.#restsOnUnknown;
  }

  /** The variables read since the instruction began, with their values. */
  get read(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#read);
  }

  set(name: string, value: string): void {
    this.#values.set(name, value);
    this.#record = null;
    this.#later.delete(name);
    if (this.#restsOnUnknown) this.#unsure.add(name);
    else this.#unsure.delete(name);
  }

  /** Says of a name that an ARG declares it, which may leave it without a value. */
  declare(name: string): void {
    this.#declared.add(name);
  }

  /** See {@link ScopeOptions.declared}. */
  get declared(): ReadonlySet<string> {
    return this.#declared;
  }

  /** Says of a name that was set that its value may be another one. */
  doubt(name: string): void {
    this.#unsure.add(name);
  }

  /** From here on, a name that the file does not set may be set all the same: see {@link ScopeOptions.complete}. */
  becomeIncomplete(): void {
    this.#complete = false;
  }

  /** Takes the value away of a variable that a bare ARG declares anew. */
  unset(name: string): void {
    this.#values.delete(name);
    this.#later.delete(name);
    this.#unsure.delete(name);
    this.#record = null;
  }

  /** The variable's value is what a step prints: commands have it, and no word of the file can be expanded with it. */
  setLater(name: string): void {
    this.unset(name);
    this.#later.add(name);
  }

  /** The names of which only commands know the values, sorted. */
  get later(): ReadonlySet<string> {
    return this.#later;
  }

  /** Takes over a value that was set in another scope, and whether that one is sure of it. */
  adopt(name: string, value: string, other: Scope): void {
    this.#values.set(name, value);
    this.#later.delete(name);
    this.#record = null;
    if (other.unsure.has(name)) this.#unsure.add(name);
    else this.#unsure.delete(name);
  }

  /** The text with its variables replaced and its quotes removed; null when a diagnostic says why not. */
  expand(text: string, range: Range): string | null {
    return this.#guardedWord(text, range, () => expandText(text, this.#request(range)));
  }

  /** As {@link expand}, for the body of a heredoc. */
  expandBody(body: string, range: Range): string | null {
    const places = placesInBody(body, this.#findings.source, range);
    return this.#guarded(bodyAsWord(body), places, () => expandBody(body, this.#request(range)));
  }

  /** As {@link expand}, then split at white space. */
  split(text: string, range: Range): readonly string[] | null {
    return this.#guardedWord(text, range, () => splitText(text, this.#request(range)));
  }

  #guardedWord<Result>(text: string, range: Range, expand: () => Result): Result | null {
    return this.#guarded(text, placesInWord(text, this.#findings.source, range), expand);
  }

  /** Runs an expansion; null when it reads a value that is known only while the bake runs. */
  #guarded<Result>(text: string, places: PlacesInText, expand: () => Result): Result | null {
    this.#readLater = [];
    const mark = this.#findings.mark();
    const result = expand();
    // A word that cannot be read is wrong with any values; what it says of them depends on them.
    if (this.#findings.since(mark).some(({ code }) => isMalformed(code))) this.#keep(mark);
    const [name] = this.#readLater;
    if (name === undefined) return result;
    const at = text.search(new RegExp(`\\$\\{?${name}\\b`));
    const place = at === -1 ? places(0, text.length) : places(at, at + variableLength(text, at, name));
    this.#findings.error(
      "ValueKnownOnlyAtBake",
      `$${name} is what a command prints, which is not known before the bake runs it`,
      place,
      {
        hint: "commands of RUN and TEST can use it; a word of the Lightfile cannot, so take an ARG for that",
      },
    );
    return null;
  }

  #request(range: Range): ExpansionRequest {
    return {
      range,
      escape: this.#escape,
      findings: this.#findings,
      lookup: (name) => this.#look(name),
      onUndefined: (name, place) => this.#warnUndefined(name, place),
    };
  }

  #look(name: string): string | undefined {
    if (this.#later.has(name)) {
      this.#readLater.push(name);
      // Not undefined: nobody shall be told that nothing sets it.
      return "";
    }
    const value = this.#values.get(name);
    if (value !== undefined) this.#read.set(name, value);
    if (value === undefined ? !this.#complete : this.#unsure.has(name)) this.#restsOnUnknown = true;
    return value;
  }

  #warnUndefined(name: string, range: Range): void {
    if (!this.#complete || this.#declared.has(name)) return;
    this.#findings.warning(this.#undefinedCode, `nothing sets $${name} here, so it is empty`, range, {
      hint: this.#undefinedHint(name),
    });
  }

  #undefinedHint(name: string): string | undefined {
    if (this.#outer?.values.has(name) === true || this.#outer?.declared.has(name) === true) {
      return `write ARG ${name} above: what is known before the first FROM has to be declared again`;
    }
    const known = new Set([...this.#values.keys(), ...this.#declared]);
    return known.size > mostCandidates ? undefined : didYouMean(name, known);
  }
}
