import type { FromInstruction, Instruction } from "../lightfile/ast.ts";
import type { Change } from "./change.ts";
import { wholeLines } from "./text-change.ts";

const longestName = 64;

interface Stage {
  readonly from: FromInstruction;
  readonly number: number;
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

/** The SNAPSHOT of a stage. */
export interface SnapshotLine {
  readonly name: string;
  /** Null: it is there already. */
  readonly change: Change | null;
}

/**
 * A SNAPSHOT for the last stage, and one, `NAME/stage`, for each named stage that no other one needs: those are there to
 * be the `--target` of a bake.
 */
export function snapshotLines(
  text: string,
  instructions: readonly Instruction[],
  snapshotName: string,
): readonly SnapshotLine[] {
  const stages = splitStages(instructions);
  const needed = new Set(stages.flatMap((stage) => neededBy(stage)));
  const last = stages.at(-1);
  return stages.flatMap((stage): readonly SnapshotLine[] => {
    const own = stage.instructions.find((instruction) => instruction.kind === "snapshot");
    if (own?.kind === "snapshot") return [{ name: own.name.text, change: null }];
    if (stage === last) return [snapshotLine(text, stage, snapshotName)];
    if (stage.name === null || needed.has(stage.name) || needed.has(String(stage.number))) return [];
    return [snapshotLine(text, stage, `${snapshotName}/${stage.name}`.slice(0, longestName))];
  });
}

function splitStages(instructions: readonly Instruction[]): readonly Stage[] {
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const instruction of instructions) {
    if (instruction.kind === "from") {
      const name = instruction.alias?.text.toLowerCase() ?? null;
      stages.push({ from: instruction, number: stages.length, name, instructions: [] });
    } else stages.at(-1)?.instructions.push(instruction);
  }
  return stages;
}

/** Names and numbers of stages, and much else that is none. A name in a variable makes any stage a needed one. */
function neededBy({ from, instructions }: Stage): readonly string[] {
  const flags = instructions.flatMap((one) => (one.kind === "onbuild" ? one.trigger.flags : one.flags));
  const named = flags.flatMap(({ name, value }) => {
    if (name.text === "from") return [value?.text ?? ""];
    if (name.text !== "mount") return [];
    return (value?.text ?? "").split(",").flatMap((field) => (/^from=(.+)$/.exec(field) ?? []).slice(1));
  });
  return [from.image.text, ...named].map((name) => name.toLowerCase());
}

function snapshotLine(text: string, { from }: Stage, name: string): SnapshotLine {
  const { start, end } = wholeLines(text, from.range);
  const indent = /^[ \t]*/.exec(text.slice(start, end))?.[0] ?? "";
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  const newText = `${lineEnd}${indent}SNAPSHOT ${name}`;
  return { name, change: { edits: [{ range: { start: end, end }, newText }], note: null } };
}
