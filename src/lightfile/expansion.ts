import type { ExpandOptions, VariableLookup } from "./expand-options.ts";
import { ExpansionError, unclosedHint } from "./expansion-error.ts";
import {
  cutPrefix,
  cutSuffix,
  parseShellPattern,
  replaceMatches,
  type ShellPattern,
} from "./shell-pattern.ts";
import { isOrdinaryName, variableNameAt } from "./variable-name.ts";
import type { WordList } from "./word-list.ts";

/** Each level costs a few stack frames; real words have two or three. */
const deepestNesting = 200;

/** One pass over one word. */
export class Expansion {
  private readonly text: string;
  private readonly lookup: VariableLookup;
  private readonly options: ExpandOptions;
  /** When only the names count, values that are missing or wrong are no errors. */
  private readonly namesOnly: boolean;
  private at = 0;
  private depth = 0;

  constructor(text: string, lookup: VariableLookup, options: ExpandOptions, namesOnly = false) {
    this.text = text;
    this.lookup = lookup;
    this.options = options;
    this.namesOnly = namesOnly;
  }

  /** Reads up to `stop` (and over it), or to the end if that is empty. `raw` keeps escape characters. */
  run(stop: string, raw: boolean, words: WordList | null): string {
    const { text, options } = this;
    const begin = this.at;
    let result = "";
    while (this.at < text.length) {
      const char = text.charAt(this.at);
      if (char === stop) {
        this.at++;
        return result;
      }
      if (char === "$") {
        const value = this.dollar();
        result += value;
        words?.addSplit(value);
      } else if (char === "'" || char === '"') {
        const quoted = char === "'" ? this.singleQuoted() : this.doubleQuoted(raw);
        result += quoted;
        words?.addWhole(quoted);
      } else if (char === options.escape) {
        const escaped = this.escaped(raw);
        result += escaped;
        if (escaped !== "") words?.addWhole(escaped);
      } else {
        const plain = char === "<" ? this.less() : this.plain(stop);
        result += plain;
        if (char === "<") words?.addWhole(plain);
        else words?.addSplit(plain);
      }
    }
    if (stop === "") return result;
    throw this.unclosed(begin, stop);
  }

  private error(
    code: ExpansionError["code"],
    offset: number,
    message: string,
    hint?: string,
  ): ExpansionError {
    const { length } = this.text;
    const place = { text: this.text, offset: Math.min(offset, length), end: Math.min(this.at, length) };
    return new ExpansionError(code, place, message, hint);
  }

  private unclosed(offset: number, stop: string): ExpansionError {
    return this.error(
      "BadSubstitution",
      offset,
      `the ${stop} that ends the substitution is missing`,
      unclosedHint,
    );
  }

  /** Text in which nothing has a meaning. */
  private plain(stop: string): string {
    const start = this.at;
    do this.at++;
    while (this.at < this.text.length && !this.isSpecial(this.text.charAt(this.at), stop));
    return this.text.slice(start, this.at);
  }

  private isSpecial(char: string, stop: string): boolean {
    return char === this.options.escape || char === stop || "$'\"<".includes(char);
  }

  private escaped(raw: boolean): string {
    const next = this.text.codePointAt(this.at + 1);
    const character = next === undefined ? "" : String.fromCodePoint(next);
    this.at += 1 + character.length;
    return raw ? this.options.escape + character : character;
  }

  /** White space between `<<` and the word of a heredoc does not split them. */
  private less(): string {
    const start = this.at;
    this.at++;
    if (this.text.charAt(this.at) !== "<") return "<";
    this.at++;
    while (/[\t\r ]/.test(this.text.charAt(this.at))) this.at++;
    return this.text.slice(start, this.at);
  }

  private singleQuoted(): string {
    const start = this.at;
    const end = this.text.indexOf("'", start + 1);
    if (end === -1) throw this.error("UnclosedQuote", start, "the quote ' is never closed");
    this.at = end + 1;
    return this.text.slice(start + 1, end);
  }

  private doubleQuoted(raw: boolean): string {
    const { text, options } = this;
    const start = this.at;
    let result = "";
    this.at++;
    while (this.at < text.length) {
      const char = text.charAt(this.at);
      if (char === '"') {
        this.at++;
        return result;
      }
      if (char === "$") {
        result += this.dollar();
        continue;
      }
      this.at++;
      if (char !== options.escape) {
        result += char;
        continue;
      }
      const next = text.charAt(this.at);
      const isEscape = next === '"' || next === "$" || next === options.escape;
      if (isEscape) this.at++;
      if (raw) result += char;
      // The escape character stands for itself before anything else.
      if (next !== "") result += isEscape ? next : char;
    }
    throw this.error("UnclosedQuote", start, 'the quote " is never closed');
  }

  private dollar(): string {
    const start = this.at;
    this.at++;
    if (this.text.charAt(this.at) !== "{") {
      const name = this.name();
      return name === "" ? "$" : this.plainValue(name, start);
    }
    this.at++;
    if (this.depth >= deepestNesting) {
      throw this.error("BadSubstitution", start, `substitutions nest deeper than ${deepestNesting} levels`);
    }
    this.depth++;
    const value = this.braced(start);
    this.depth--;
    return value;
  }

  private braced(start: number): string {
    const first = this.text.charAt(this.at);
    if (first === "{" || first === "}" || first === ":") {
      throw this.error("BadSubstitution", start, "a substitution needs the name of a variable after ${");
    }
    const name = this.name();
    const modifierAt = this.at;
    let modifier = this.text.charAt(this.at++);
    if (modifier === "}") return this.plainValue(name, start);
    if (modifier === "") throw this.unclosed(start, "}");
    if (modifier === "/") return this.replaced(name, start);
    const emptyIsUnset = modifier === ":";
    if (emptyIsUnset) modifier = this.text.charAt(this.at++);
    if (modifier === "#" || modifier === "%") {
      if (!emptyIsUnset) return this.cut(name, modifier, start);
    } else if (modifier === "-" || modifier === "+" || modifier === "?") {
      return this.conditional({ name, modifier, emptyIsUnset, start });
    }
    const written = this.text.slice(modifierAt, this.at);
    throw this.error("BadSubstitution", modifierAt, `unsupported modifier (${written}) in substitution`);
  }

  private conditional(form: {
    readonly name: string;
    readonly modifier: "-" | "+" | "?";
    readonly emptyIsUnset: boolean;
    readonly start: number;
  }): string {
    const word = this.nested("}", false, form.start);
    const value = this.value(form.name);
    const isSet = value !== undefined && !(form.emptyIsUnset && value === "");
    if (form.modifier === "+") return isSet ? word : "";
    if (isSet) return value;
    if (form.modifier === "-" || this.namesOnly) return word;
    const reason = value === undefined ? "is not allowed to be unset" : "is not allowed to be empty";
    throw this.error("RequiredVariable", form.start, `${form.name}: ${word === "" ? reason : word}`);
  }

  private cut(name: string, side: "#" | "%", start: number): string {
    const word = this.nested("}", true, start);
    const longest = word.startsWith(side);
    const value = this.plainValue(name, start);
    const pattern = this.pattern(longest ? word.slice(1) : word, start);
    return side === "#" ? cutPrefix(pattern, value, longest) : cutSuffix(pattern, value, longest);
  }

  private replaced(name: string, start: number): string {
    const all = this.text.charAt(this.at) === "/";
    if (all) this.at++;
    const patternText = this.nested("/", true, start);
    const replacement = this.nested("}", true, start);
    const value = this.plainValue(name, start);
    return replaceMatches(this.pattern(patternText, start), value, replacement, all);
  }

  private nested(stop: string, raw: boolean, start: number): string {
    try {
      return this.run(stop, raw, null);
    } catch (error) {
      // Where the substitution begins says more than where the search for its end began.
      const isMissingEnd =
        error instanceof ExpansionError && error.code === "BadSubstitution" && this.at >= this.text.length;
      throw isMissingEnd ? this.error("BadSubstitution", start, error.message, error.hint) : error;
    }
  }

  private pattern(text: string, start: number): ShellPattern {
    const pattern = parseShellPattern(text);
    if (!("invalidEscape" in pattern)) return pattern;
    if (this.namesOnly) return { parts: [] };
    const message = `invalid escape ${pattern.invalidEscape} in the pattern of a substitution`;
    throw this.error("InvalidPattern", start, message);
  }

  private name(): string {
    const name = variableNameAt(this.text, this.at);
    this.at += name.length;
    return name;
  }

  private value(name: string): string | undefined {
    return this.lookup(name);
  }

  private plainValue(name: string, offset: number): string {
    const value = this.value(name);
    if (value === undefined && isOrdinaryName(name)) this.options.onUndefined?.(name, offset);
    return value ?? "";
  }
}
