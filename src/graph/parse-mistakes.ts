import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Range } from "../diagnostics/source-file.ts";
import type { Instruction, LightfileTree } from "../lightfile/ast.ts";

/** The places of the errors among what the parser says. */
export function errorRanges(diagnostics: readonly Diagnostic[]): readonly Range[] {
  return diagnostics.flatMap(({ severity, range }) => (severity === "error" ? [range] : []));
}

/**
 * Where the parser has found errors. A file with errors is planned all the same, so that its other mistakes are told
 * in the same run; nothing may be said then that only follows from what could not be read.
 */
export class ParseMistakes {
  /** Sorted. */
  readonly #starts: readonly number[];
  /** The furthest end of the ranges up to that position. */
  readonly #ends: readonly number[];

  constructor(ranges: readonly Range[]) {
    const sorted = ranges.toSorted((left, right) => left.start - right.start);
    let furthest = 0;
    this.#starts = sorted.map(({ start }) => start);
    this.#ends = sorted.map(({ end }) => {
      furthest = Math.max(furthest, end);
      return furthest;
    });
  }

  get isEmpty(): boolean {
    return this.#starts.length === 0;
  }

  overlap({ start, end }: Range): boolean {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) < end) low = middle + 1;
      else high = middle;
    }
    return low > 0 && (this.#ends[low - 1] ?? 0) > start;
  }

  /** Whether the instruction may have set variables that are now unknown. A misspelt name may be that of any other. */
  hideVariables(instruction: Instruction): boolean {
    if (instruction.kind === "invalid") return true;
    const sets = ["arg", "env", "env-from-output", "use"].includes(instruction.kind);
    return sets && this.overlap(instruction.range);
  }

  /**
   * The words of the lines that could not be read, in lower case: one of these lines may be the IMPORT or MIXIN of such a
   * name. Null: one is an IMPORT or a MIXIN, and of any name.
   */
  hiddenNames(tree: LightfileTree): ReadonlySet<string> | null {
    const words = new Set<string>();
    if (this.isEmpty) return words;
    for (const { kind, keyword, range } of tree.instructions) {
      if (kind !== "invalid" && !this.overlap(range)) continue;
      const name = keyword.text.toUpperCase();
      if (kind === "import" || (kind === "invalid" && (name === "IMPORT" || name === "MIXIN"))) return null;
      for (const word of tree.source.text.slice(range.start, range.end).split(/\s+/))
        words.add(word.toLowerCase());
    }
    return words;
  }
}
