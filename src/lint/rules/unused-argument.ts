import type { ArgInstruction, Instruction } from "../../lightfile/ast.ts";
import type { Block, LintedFile } from "../linted-file.ts";
import type { Remark, Rule } from "../rule.ts";
import { isCommandInstruction } from "../shell/run-commands.ts";

export const unusedArgument: Rule = {
  name: "UnusedArgument",
  summary: "nothing reads an ARG",
  needsWholeFile: true,
  *check(file) {
    yield* comments(file);
    yield* globalOnes(file);
    const bases = file.stages.map(({ head }) => head.image.text.toLowerCase());
    const isBaseUnclear = bases.some((image) => image.includes("$"));
    const names = new Set(bases);
    for (const block of file.blocks) {
      // Stages that are FROM this one inherit its arguments.
      if (block.kind === "stage" && block.name !== null && (isBaseUnclear || names.has(block.name))) continue;
      yield* ofBlock(file, block);
    }
  },
};

/** In `ARG A=1 # the first`, each word behind the `#` declares an argument, and none is meant. */
function withoutComment(declarations: ArgInstruction["declarations"]): ArgInstruction["declarations"] {
  const comment = declarations.findIndex(({ name }) => name.text === "#");
  return comment === -1 ? declarations : declarations.slice(0, comment);
}

function* comments(file: LintedFile): Generator<Remark> {
  for (const instruction of file.tree.instructions) {
    const hash = instruction.kind === "arg" && instruction.declarations.find(({ name }) => name.text === "#");
    if (!hash) continue;
    yield {
      range: { start: hash.name.range.start, end: instruction.range.end },
      message: "a # behind ARG starts no comment: each word declares an argument",
      hint: "write the comment on a line of its own above",
    };
  }
}

/** FROM, IMPORT and other global ARGs see a global argument; stages and mixins after an ARG of that name. */
function* globalOnes(file: LintedFile): Generator<Remark> {
  const read = new Set<string>();
  for (const instruction of file.tree.instructions) {
    if (instruction.kind === "from" || instruction.kind === "import")
      addMentions(textOf(file, instruction), read);
    if (instruction.kind === "arg") addMentionsOfArgument(instruction, read);
  }
  for (const instruction of file.blocks.flatMap(({ instructions }) => instructions)) {
    if (instruction.kind === "arg") for (const { name } of instruction.declarations) read.add(name.text);
  }
  for (const { declarations } of file.globalArguments) {
    for (const { name } of withoutComment(declarations)) {
      if (read.has(name.text)) continue;
      yield {
        range: name.range,
        message: `nothing reads ${name.text}: no FROM names it, and no stage declares it again`,
        hint: `write ARG ${name.text} in the stage that reads it, or remove it`,
      };
    }
  }
}

function* ofBlock(file: LintedFile, { instructions }: Block): Generator<Remark> {
  const read = new Set<string>();
  for (const instruction of instructions.toReversed()) {
    // A command gets every ARG in its environment, and a program may read what no line names.
    if (isCommandInstruction(instruction) || instruction.kind === "use") return;
    if (instruction.kind !== "arg") {
      addMentions(textOf(file, instruction), read);
      continue;
    }
    addMentionsOfArgument(instruction, read);
    for (const { name } of withoutComment(instruction.declarations)) {
      if (read.has(name.text)) continue;
      yield {
        range: name.range,
        message: `nothing reads ${name.text}`,
        hint: "remove it, or move it to the stage that reads it",
      };
    }
  }
}

/** What defaults read; that an argument reads itself says nothing. */
function addMentionsOfArgument({ declarations }: ArgInstruction, read: Set<string>): void {
  for (const { name, value } of declarations) {
    const own = new Set<string>();
    addMentions(value?.text ?? "", own);
    own.delete(name.text);
    for (const mentioned of own) read.add(mentioned);
  }
}

function addMentions(text: string, read: Set<string>): void {
  if (!text.includes("$")) return;
  for (const match of text.matchAll(/\$\{?([A-Za-z_]\w*)/g)) read.add(match[1] ?? "");
}

function textOf({ tree }: LintedFile, { range }: Instruction): string {
  return tree.source.text.slice(range.start, range.end);
}
