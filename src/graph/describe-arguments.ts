import { positionAt } from "../diagnostics/source-file.ts";
import type { ArgInstruction, Comment, LightfileTree, Word } from "../lightfile/ast.ts";

/** An argument that a bake can be given, as the file says it. */
export interface ArgumentDescription {
  readonly name: string;
  /** As written: `string` when nothing is said. */
  readonly type: string;
  /** Empty: any value of the type. */
  readonly choices: readonly string[];
  readonly isRequired: boolean;
  /** As written; null: there is none. */
  readonly default: string | null;
  /** From `--describe`, or the comment above that begins with the name; null: there is none. */
  readonly description: string | null;
  /** The stages that declare it; empty: it stands before the first FROM. */
  readonly stages: readonly string[];
  /** 1-based, of the first declaration. */
  readonly line: number;
}

/**
 * The arguments that `--build-arg` can set, each once, in the order of the file. The ARGs of mixins are not among them: USE
 * sets those. Pure, and whatever can be read of a file with mistakes.
 */
export function describeArguments(tree: LightfileTree): readonly ArgumentDescription[] {
  const found = new Map<string, ArgumentDescription>();
  let block: { readonly kind: "head" | "stage" | "mixin"; readonly name: string } = {
    kind: "head",
    name: "",
  };
  let stages = 0;
  for (const instruction of tree.instructions) {
    if (instruction.kind === "from") {
      block = { kind: "stage", name: instruction.alias?.text ?? String(stages) };
      stages += 1;
    } else if (instruction.kind === "mixin") block = { kind: "mixin", name: "" };
    else if (instruction.kind === "import" && block.kind === "mixin") block = { kind: "head", name: "" };
    if (instruction.kind !== "arg" || block.kind === "mixin") continue;
    for (const declaration of instruction.declarations) {
      const stage = block.kind === "stage" ? [block.name] : [];
      const own = describe(tree, instruction, { ...declaration, stage });
      const known = found.get(own.name);
      found.set(own.name, known === undefined ? own : merged(known, own));
    }
  }
  return [...found.values()];
}

function describe(
  tree: LightfileTree,
  instruction: ArgInstruction,
  {
    name,
    value,
    stage,
  }: { readonly name: Word; readonly value: Word | null; readonly stage: readonly string[] },
): ArgumentDescription {
  const flag = (wanted: string) => instruction.flags.find((one) => one.name.text === wanted);
  const required = flag("required");
  return {
    name: name.text,
    type: flag("type")?.value?.text ?? "string",
    choices: flag("choices")?.value?.text.split(",") ?? [],
    isRequired: required !== undefined && required.value?.text.toLowerCase() !== "false",
    default: value?.text ?? null,
    description: flag("describe")?.value?.text ?? commentAbove(tree, instruction, name.text),
    stages: stage,
    line: positionAt(tree.source, instruction.range.start).line,
  };
}

/** A later declaration adds what the first does not say. */
function merged(first: ArgumentDescription, later: ArgumentDescription): ArgumentDescription {
  const isGlobal = first.stages.length === 0;
  return {
    ...first,
    type: first.type === "string" ? later.type : first.type,
    choices: first.choices.length === 0 ? later.choices : first.choices,
    isRequired: first.isRequired || (later.isRequired && first.default === null),
    default: first.default ?? (isGlobal ? later.default : null),
    description: first.description ?? later.description,
    stages: isGlobal ? [] : [...first.stages, ...later.stages],
  };
}

/** The comment lines directly above, when the first word is the argument's name (Docker's convention). */
function commentAbove(tree: LightfileTree, instruction: ArgInstruction, name: string): string | null {
  const lineOf = (offset: number): number => positionAt(tree.source, offset).line;
  const block: Comment[] = [];
  let expected = lineOf(instruction.range.start) - 1;
  for (const comment of tree.comments.filter(({ range }) => range.end <= instruction.range.start).reverse()) {
    if (lineOf(comment.range.start) !== expected || comment.text.trim() === "") break;
    block.unshift(comment);
    expected -= 1;
  }
  const text = block.map((comment) => comment.text.trim()).join(" ");
  return text.startsWith(`${name} `) ? text.slice(name.length).trim() : null;
}
