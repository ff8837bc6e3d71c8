import type { Range } from "../diagnostics/source-file.ts";
import { nearestName } from "../diagnostics/suggest.ts";
import type { Instruction, SnapshotInstruction } from "./ast.ts";
import type { Reporter } from "./reporter.ts";
import { instructionNames, isInstructionName } from "./reserved.ts";

/** Reports what is wrong with the order of instructions: what stands outside a stage, or twice in one. */
export function checkStructure(instructions: readonly Instruction[], reporter: Reporter): void {
  let inStage = false;
  let snapshot: SnapshotInstruction | null = null;
  let outside: Instruction | null = null;
  for (const instruction of instructions) {
    if (startsStage(instruction)) {
      inStage = true;
      snapshot = null;
    } else if (!inStage && instruction.kind !== "arg") {
      if (outside === null && instruction.kind !== "invalid") reportOutside(instruction, reporter);
      outside ??= instruction;
    }
    if (instruction.kind !== "snapshot" || !inStage) continue;
    if (snapshot === null) snapshot = instruction;
    else reportSecondSnapshot(instruction, snapshot.range, reporter);
  }
  const [first] = instructions;
  if (first !== undefined && !inStage && (outside === null || outside.kind === "invalid")) {
    reporter.error({
      code: "NoStage",
      range: first.keyword.range,
      message: "the file has no stage",
      hint: "add a FROM line with the image to start from",
    });
  }
}

/** A misspelt FROM counts, so that what follows it is not reported as well. */
export function startsStage(instruction: Instruction): boolean {
  if (instruction.kind === "from") return true;
  if (instruction.kind !== "invalid") return false;
  const name = instruction.keyword.text.toUpperCase();
  return name === "FROM" || (!isInstructionName(name) && nearestName(name, instructionNames) === "FROM");
}

function reportOutside(instruction: Instruction, reporter: Reporter): void {
  const name = instruction.keyword.text.toUpperCase();
  reporter.error({
    code: "InstructionBeforeFrom",
    range: instruction.keyword.range,
    message: `${name} stands before the first FROM, outside any stage`,
    hint: "start with FROM; only ARG may come before it",
  });
}

function reportSecondSnapshot(instruction: SnapshotInstruction, first: Range, reporter: Reporter): void {
  reporter.error({
    code: "DuplicateSnapshot",
    range: instruction.range,
    message: "this stage already has a SNAPSHOT name",
    hint: "keep one, or start another stage with FROM",
    related: [{ message: "first named here", range: first }],
  });
}
