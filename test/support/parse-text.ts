import type { Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { positionAt } from "../../src/diagnostics/source-file.ts";
import type { Instruction, LightfileTree } from "../../src/lightfile/ast.ts";
import { parseLightfile } from "../../src/lightfile/parse.ts";

export interface ParsedText {
  readonly tree: LightfileTree;
  /** `line:column code "text"`, one for each diagnostic. */
  readonly problems: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

export function parseText(text: string): ParsedText {
  const { value, diagnostics } = parseLightfile({ path: "Lightfile", text });
  return { tree: value, diagnostics, problems: diagnostics.map(describeProblem) };
}

function describeProblem({ code, range, source }: Diagnostic): string {
  const { line, column } = positionAt(source, range.start);
  return `${line}:${column} ${code} ${JSON.stringify(source.text.slice(range.start, range.end))}`;
}

/** The node type of a kind, also where one type serves several kinds. */
type NodeOf<Kind, Node = Instruction> = Node extends { readonly kind: infer Own }
  ? Kind extends Own
    ? Node
    : never
  : never;

/** The first instruction of one kind in a text; throws when there is none. */
export function instructionOf<Kind extends Instruction["kind"]>(text: string, kind: Kind): NodeOf<Kind> {
  const isWanted = (instruction: Instruction): instruction is Instruction & NodeOf<Kind> =>
    instruction.kind === kind;
  const found = parseText(text).tree.instructions.find(isWanted);
  if (found === undefined) throw new Error(`no ${kind} instruction in ${JSON.stringify(text)}`);
  return found;
}
