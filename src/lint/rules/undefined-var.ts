import type { Range } from "../../diagnostics/source-file.ts";
import { nearestName } from "../../diagnostics/suggest.ts";
import { predefinedArguments } from "../../graph/predefined-arguments.ts";
import type { Instruction } from "../../lightfile/ast.ts";
import { variablesIn } from "../../lightfile/expand.ts";
import { definedIn, expandedWords } from "../../lightfile/variable-words.ts";
import { baseStage } from "../earlier-stages.ts";
import { proposedFix } from "../edits.ts";
import { type Block, globalNames, type LintedFile } from "../linted-file.ts";
import type { Remark, Rule } from "../rule.ts";

/**
 * Which variables an image sets is known when it has been looked up, and a bake then names all that nothing sets. Before
 * that, two things are sure enough: a name that is nearly one that the file sets, and an ARG of the file's head that
 * the stage does not declare again.
 */
export const undefinedVar: Rule = {
  name: "UndefinedVar",
  summary: "a variable is read that nothing sets",
  *check(file) {
    const globals = globalNames(file);
    const predefined = new Set(predefinedArguments(file.platform, null).keys());
    const ends = new Map<Block, ReadonlySet<string>>();
    for (const block of file.blocks) {
      const base = block.kind === "stage" ? baseStage(file, block) : undefined;
      const names = new Set(base === undefined ? [] : ends.get(base));
      yield* inBlock(file, block, { names, globals, predefined });
      ends.set(block, names);
    }
  },
};

const mostCandidates = 500;

interface Names {
  /** Set so far; grows with the instructions. */
  readonly names: Set<string>;
  readonly globals: ReadonlySet<string>;
  /** Known before the first FROM without an ARG. */
  readonly predefined: ReadonlySet<string>;
}

function* inBlock(file: LintedFile, block: Block, { names, globals, predefined }: Names): Generator<Remark> {
  for (const instruction of block.instructions) {
    for (const { text, range } of expandedWords(instruction)) {
      for (const used of new Set(variablesIn(text, { escape: file.tree.escape }))) {
        if (names.has(used) || hasDefault(text, used)) continue;
        if (globals.has(used)) yield notDeclaredHere(block, used, placeOf(file, used, range));
        else if (predefined.has(used)) yield notDeclaredYet(block, used, placeOf(file, used, range));
        else {
          // Among more names than a person writes, the nearest one is not worth the search.
          if (isCommon(used) || names.size > mostCandidates || appends(instruction, used)) continue;
          const near = nearestName(used, names);
          if (near === undefined) continue;
          yield {
            range: placeOf(file, used, range),
            message: `nothing in this file sets $${used}`,
            hint: `did you mean ${near}?`,
          };
        }
      }
    }
    for (const { text } of definedIn(instruction)) names.add(text);
  }
}

function notDeclaredHere(block: Block, name: string, range: Range): Remark {
  const { end } = block.head.range;
  return {
    range,
    message: `the ARG ${name} before the first FROM is not known inside a stage`,
    hint: `declare it here, too: ARG ${name}`,
    fixes: [proposedFix(`Declare ARG ${name} in this stage`, { start: end, end }, `\nARG ${name}`)],
  };
}

function notDeclaredYet(block: Block, name: string, range: Range): Remark {
  const { message: _, ...remark } = notDeclaredHere(block, name, range);
  const message = `nothing sets $${name} here: only FROM lines know it without an ARG`;
  return { ...remark, message, hint: `write ARG ${name} above` };
}

/** `${NAME:-x}` and its like say themselves what an unset name means. */
function hasDefault(text: string, name: string): boolean {
  return new RegExp(`\\$\\{${name}:?[-+?]`).test(text);
}

/** `ENV A=$A:b` adds to what the image has there. */
function appends(instruction: Instruction, name: string): boolean {
  return instruction.kind === "env" && instruction.pairs.some((pair) => pair.name.text === name);
}

/** Set by nearly every image. */
function isCommon(name: string): boolean {
  return /^(?:PATH|HOME|USER|PWD|LANG|LC_\w+|SHELL|TERM|\w+_PROXY|\w+_proxy)$/.test(name);
}

function placeOf({ tree }: LintedFile, name: string, range: Range): Range {
  const text = tree.source.text.slice(range.start, range.end);
  const match = new RegExp(`\\$\\{?${name}\\b`).exec(text);
  if (match === null) return range;
  const start = range.start + match.index;
  return { start, end: start + match[0].length };
}
