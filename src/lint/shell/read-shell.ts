import type { Range } from "../../diagnostics/source-file.ts";

/** A word of a shell command, its quotes removed and nothing in it expanded. */
export interface ShellWord {
  readonly text: string;
  /** In the shell text. */
  readonly range: Range;
}

/** What stands between a command and the one before it. */
export type ShellOperator = "start" | "&&" | "||" | ";" | "|" | "&" | "newline" | "(" | ")";

/** A program and its arguments, redirections and assignments before it left out. */
export interface ShellCommand {
  readonly operator: ShellOperator;
  readonly words: readonly ShellWord[];
  /** How many subshells it is in. */
  readonly depth: number;
  /** Its status is asked for: it stands between `if` and `then`, `while` and `do`, or behind `!`. */
  readonly isAsked: boolean;
}

const reserved = new Set(
  ["if then elif else fi", "while until for do done case esac in", "{ } ! time function select"].flatMap(
    (line) => line.split(" "),
  ),
);

/**
 * Cuts a POSIX shell text into its simple commands, well enough to know programs and their arguments. It is no parser:
 * it never fails, and what is inside `$(…)` and backticks counts as a part of its word.
 */
export function readShell(text: string): readonly ShellCommand[] {
  return new ShellReader(text).read();
}

class ShellReader {
  readonly #text: string;
  readonly #commands: ShellCommand[] = [];
  #at = 0;
  #operator: ShellOperator = "start";
  #words: ShellWord[] = [];
  #depth = 0;
  #isCondition = false;
  #isNegated = false;
  /** The `case`s that are open, and whether patterns or commands come next in each. */
  readonly #cases: ("patterns" | "commands")[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): readonly ShellCommand[] {
    while (this.#at < this.#text.length) this.#step();
    this.#end("newline");
    return this.#commands;
  }

  #step(): void {
    const char = this.#text.charAt(this.#at);
    const two = this.#text.slice(this.#at, this.#at + 2);
    if (this.#cases.at(-1) === "patterns") this.#skipPatterns();
    else if (char === "\n") this.#operatorAt(1, "newline");
    else if (/\s/.test(char)) this.#at++;
    else if (two === "\\\n") this.#at += 2;
    else if (char === "#") this.#skipLine();
    else if (two === "&&" || two === "||") this.#operatorAt(2, two);
    else if (two === "|&") this.#operatorAt(2, "|");
    else if (two === "&>") this.#redirect();
    else if (char === "|" || char === "&") this.#operatorAt(1, char);
    else if (two === ";;" || two === ";&") this.#endClause();
    else if (char === ";") this.#operatorAt(1, ";");
    else if (char === "(") {
      this.#operatorAt(1, "(");
      this.#depth++;
    } else if (char === ")") {
      this.#operatorAt(1, ")");
      this.#depth = Math.max(0, this.#depth - 1);
    } else if (/^\d*[<>]/.test(this.#text.slice(this.#at, this.#at + 4))) this.#redirect();
    else this.#word();
  }

  /** `case WORD in`: what follows are patterns, whose `|` is no pipe. */
  #beginCase(): void {
    this.#skipBlanks();
    this.#readWord();
    this.#skipBlanks();
    if (this.#text.startsWith("in", this.#at)) this.#at += 2;
    this.#cases.push("patterns");
  }

  #skipBlanks(): void {
    const blanks = /(?:\s|\\\n)*/y;
    blanks.lastIndex = this.#at;
    this.#at += blanks.exec(this.#text)?.[0].length ?? 0;
  }

  /** One sign or word of `a|b)`; the `)` ends the patterns, and `esac` the case. */
  #skipPatterns(): void {
    this.#skipBlanks();
    const char = this.#text.charAt(this.#at);
    if (char === "#") {
      this.#skipLine();
      return;
    }
    if (char === ")") {
      this.#cases[this.#cases.length - 1] = "commands";
      this.#operatorAt(1, ";");
      return;
    }
    const start = this.#at;
    if (this.#readWord() === "esac") this.#cases.pop();
    else if (this.#at === start) this.#at++;
  }

  /** `;;` and its like: patterns again. */
  #endClause(): void {
    this.#operatorAt(/^;;?&?/.exec(this.#text.slice(this.#at, this.#at + 3))?.[0].length ?? 1, ";");
    if (this.#cases.length > 0) this.#cases[this.#cases.length - 1] = "patterns";
  }

  #skipLine(): void {
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end === -1 ? this.#text.length : end;
  }

  #operatorAt(length: number, operator: ShellOperator): void {
    this.#end(operator);
    this.#at += length;
  }

  #end(next: ShellOperator): void {
    if (this.#words.length > 0) {
      const isAsked = this.#isCondition || this.#isNegated;
      this.#commands.push({ operator: this.#operator, words: this.#words, depth: this.#depth, isAsked });
      this.#operator = next;
      // Of `! a | b` the whole pipe is negated.
      if (next !== "|") this.#isNegated = false;
    } else if (next !== "newline" || this.#operator !== "|") {
      // A line may end behind an operator and go on.
      this.#operator = this.#operator === "start" && next === "newline" ? "start" : next;
    }
    this.#words = [];
  }

  /** `2>&1`, `>file`, `< file`, `<<EOF`: the operator and its word. */
  #redirect(): void {
    while (/[\d<>&|-]/.test(this.#text.charAt(this.#at))) this.#at++;
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at++;
    this.#readWord();
  }

  #word(): void {
    const start = this.#at;
    const text = this.#readWord();
    if (this.#at === start) this.#at++;
    const range = { start, end: this.#at };
    if (this.#words.length === 0) {
      if (text === "case") this.#beginCase();
      else if (text === "esac") this.#cases.pop();
      if (/^(?:if|elif|while|until)$/.test(text)) this.#isCondition = true;
      else if (text === "then" || text === "do") this.#isCondition = false;
      else if (text === "!") this.#isNegated = true;
      if (reserved.has(text) || /^[A-Za-z_]\w*\+?=/.test(text)) return;
    }
    this.#words.push({ text, range });
  }

  #readWord(): string {
    let word = "";
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (/[\s;&|()<>]/.test(char)) break;
      if (char === "\\") {
        if (this.#text[this.#at + 1] !== "\n") word += this.#text.charAt(this.#at + 1);
        this.#at += 2;
      } else if (char === "'") word += this.#quoted("'");
      else if (char === '"') word += this.#quoted('"');
      else if (char === "`") word += this.#quoted("`");
      else if (this.#text.startsWith("$(", this.#at)) word += this.#substitution();
      else {
        word += char;
        this.#at++;
      }
    }
    this.#at = Math.min(this.#at, this.#text.length);
    return word;
  }

  #quoted(quote: string): string {
    const start = ++this.#at;
    while (this.#at < this.#text.length && this.#text[this.#at] !== quote) {
      if (quote === '"' && this.#text.startsWith("$(", this.#at)) this.#substitution();
      else this.#at += quote !== "'" && this.#text[this.#at] === "\\" ? 2 : 1;
    }
    const content = this.#text.slice(start, this.#at);
    this.#at++;
    return quote === "`" ? `\`${content}\`` : content;
  }

  /** `case` or `esac`, when one of them stands here as a word of its own. */
  #wordOfCase(): string | null {
    const words = /(?<![\w$-])(?:case|esac)(?![\w-])/y;
    words.lastIndex = this.#at;
    return words.exec(this.#text)?.[0] ?? null;
  }

  #substitution(): string {
    const start = this.#at;
    this.#at += 2;
    let cases = 0;
    for (let open = 1; open > 0 && this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at];
      const word = /[a-z]/.test(char ?? "") ? this.#wordOfCase() : null;
      if (word !== null) {
        cases += word === "case" ? 1 : -1;
        this.#at += word.length - 1;
        continue;
      }
      // What ends a pattern of `case` ends nothing else.
      if (char === ")" && open === 1 && cases > 0) continue;
      if (char === "\\") this.#at++;
      else if (char === "'") {
        const close = this.#text.indexOf("'", this.#at + 1);
        if (close !== -1) this.#at = close;
      } else if (char === "(") open++;
      else if (char === ")") open--;
    }
    return this.#text.slice(start, this.#at);
  }
}
