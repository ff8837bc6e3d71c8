import type { Range } from "../diagnostics/source-file.ts";
import type { Instruction, LightfileTree } from "../lightfile/ast.ts";
import { blocksOf } from "./blocks.ts";

/** An entry of the outline of a file. */
export interface OutlineEntry {
  readonly name: string;
  readonly detail: string;
  readonly kind: "stage" | "mixin" | "import" | "variable" | "test" | "step" | "setting";
  /** With all that belongs to it. */
  readonly range: Range;
  /** What is selected when the entry is chosen; inside `range`. */
  readonly nameRange: Range;
  readonly children: readonly OutlineEntry[];
}

/** Stages and mixins with their instructions, and what stands outside of them, in file order. */
export function outlineOf(tree: LightfileTree): readonly OutlineEntry[] {
  const entries = blocksOf(tree).flatMap(({ head, instructions }): readonly OutlineEntry[] => {
    const children = instructions.map(entryOf);
    if (head === null) return children;
    const end = instructions.at(-1)?.range.end ?? head.range.end;
    const name = head.kind === "from" ? (head.alias ?? head.image) : head.name;
    const detail =
      head.kind === "from" ? (head.alias === null ? "FROM" : `FROM ${head.image.text}`) : "MIXIN";
    const range = { start: head.range.start, end };
    const kind = head.kind === "from" ? "stage" : "mixin";
    return [{ name: name.text || head.keyword.text, detail, kind, range, nameRange: name.range, children }];
  });
  return entries.toSorted((a, b) => a.range.start - b.range.start);
}

function entryOf(instruction: Instruction): OutlineEntry {
  const { keyword, range, flags } = instruction;
  const title = flags.find(({ name }) => name.text === "title")?.value?.text;
  const word = keyword.text.toUpperCase();
  // Editors refuse an entry without a name, and half-written text has empty ones.
  const name = namesOf(instruction) || title || word;
  const detail = name === word ? "" : word;
  return { name, detail, kind: kindOf(instruction), range, nameRange: keyword.range, children: [] };
}

function namesOf(instruction: Instruction): string | null {
  switch (instruction.kind) {
    case "arg":
      return instruction.declarations.map(({ name }) => name.text).join(", ") || null;
    case "env":
      return instruction.pairs.map(({ name }) => name.text).join(", ") || null;
    case "env-from-output":
      return instruction.name.text;
    case "import":
      return instruction.alias.text;
    case "use":
      return instruction.mixin.text;
    case "snapshot":
      return instruction.name.text;
    case "copy":
    case "add":
      return `${instruction.sources.map(({ text }) => text).join(" ")} → ${instruction.destination.text}`;
    case "run":
    case "test": {
      const { command } = instruction;
      const text =
        command.form === "shell" ? command.line.text : command.argv.map((word) => word.text).join(" ");
      const title = instruction.flags.find(({ name }) => name.text === "title")?.value?.text;
      return title ?? (text.length > 60 ? `${text.slice(0, 59)}…` : text);
    }
    default:
      return null;
  }
}

function kindOf(instruction: Instruction): OutlineEntry["kind"] {
  switch (instruction.kind) {
    case "arg":
    case "env":
    case "env-from-output":
      return "variable";
    case "import":
      return "import";
    case "test":
      return "test";
    case "run":
    case "copy":
    case "add":
    case "use":
      return "step";
    default:
      return "setting";
  }
}
