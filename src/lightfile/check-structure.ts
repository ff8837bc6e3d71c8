import { nearestName } from "../diagnostics/suggest.ts";
import type { ImportInstruction, Instruction, MixinInstruction, SnapshotInstruction, Word } from "./ast.ts";
import type { Reporter } from "./reporter.ts";
import { instructionNames, isInstructionName } from "./reserved.ts";

/**
 * Reports what is wrong with the order of instructions: what stands outside a stage or a mixin, what a mixin cannot
 * hold, what stands twice. FROM starts a stage and MIXIN a mixin, IMPORT ends a mixin.
 */
export function checkStructure(instructions: readonly Instruction[], reporter: Reporter): void {
  const check = new StructureCheck(reporter);
  for (const instruction of instructions) check.read(instruction);
  check.finish(instructions[0]);
}

type Block = "head" | "stage" | "mixin" | "between";

/** What a mixin cannot hold, and why. */
const notInMixins: ReadonlyMap<string, string> = new Map([
  ["snapshot", "write it in the stage: a mixin is part of several"],
  ["resources", "write it in the stage: it is about the stage's builder"],
  ["onbuild", "write it in the stage that others are built on"],
  ["maintainer", "write LABEL org.opencontainers.image.authors=…, which a mixin may hold"],
]);

class StructureCheck {
  private readonly reporter: Reporter;
  private block: Block = "head";
  private hasBlock = false;
  private hasStage = false;
  private snapshot: SnapshotInstruction | null = null;
  private outside: Instruction | null = null;
  private readonly mixins = new Map<string, Word>();
  private readonly imports = new Map<string, Word>();

  constructor(reporter: Reporter) {
    this.reporter = reporter;
  }

  read(instruction: Instruction): void {
    const started = startedBlock(instruction);
    if (started !== null) {
      this.block = started;
      this.hasBlock = true;
      this.hasStage ||= started === "stage";
      this.snapshot = null;
      if (instruction.kind === "mixin") this.readMixin(instruction);
    } else if (instruction.kind === "import") this.readImport(instruction);
    else if (this.block === "head" || this.block === "between") this.readOutside(instruction);
    else if (this.block === "mixin") this.readInMixin(instruction);
    else if (instruction.kind === "snapshot") this.readSnapshot(instruction);
  }

  finish(first: Instruction | undefined): void {
    if (first === undefined || this.hasBlock) return;
    if (this.outside !== null && this.outside.kind !== "invalid") return;
    this.reporter.error({
      code: "NoStage",
      range: first.keyword.range,
      message: "the file has no stage",
      hint: "add a FROM line with the image to start from",
    });
  }

  private readMixin({ name }: MixinInstruction): void {
    this.once(this.mixins, name, { code: "DuplicateMixin", is: "a mixin", first: "first defined here" });
  }

  private readImport(instruction: ImportInstruction): void {
    const thing = { code: "DuplicateImport", is: "an imported Lightfile", first: "first imported here" };
    this.once(this.imports, instruction.alias, thing);
    if (this.hasStage) {
      this.reporter.error({
        code: "MisplacedImport",
        range: instruction.keyword.range,
        message: "IMPORT stands behind a FROM",
        hint: "move it up, before the first FROM",
      });
    } else if (this.block === "mixin") this.block = "between";
  }

  private once(
    known: Map<string, Word>,
    name: Word,
    thing: { readonly code: string; readonly is: string; readonly first: string },
  ): void {
    const key = name.text.toLowerCase();
    const earlier = known.get(key);
    if (earlier === undefined) {
      known.set(key, name);
      return;
    }
    this.reporter.error({
      code: thing.code,
      range: name.range,
      message: `there is ${thing.is} named ${key} already`,
      hint: "give this one another name",
      related: [{ message: thing.first, range: earlier.range }],
    });
  }

  /** Only the first: the others would be explained by the same missing line. */
  private readOutside(instruction: Instruction): void {
    const name = instruction.keyword.text.toUpperCase();
    if (name === "IMPORT" || (name === "ARG" && this.block === "head")) return;
    if (this.outside === null && instruction.kind !== "invalid") this.reportOutside(instruction);
    this.outside ??= instruction;
  }

  private reportOutside(instruction: Instruction): void {
    const name = instruction.keyword.text.toUpperCase();
    const behindMixin = this.block === "between";
    this.reporter.error({
      code: "InstructionBeforeFrom",
      range: instruction.keyword.range,
      message: behindMixin
        ? `${name} stands behind an IMPORT, outside any stage or mixin`
        : `${name} stands before the first FROM, outside any stage`,
      hint: behindMixin
        ? "an IMPORT ends the mixin before it: move the IMPORT up, before the first MIXIN"
        : "start with FROM; only ARG, IMPORT and MIXIN may come before it",
    });
  }

  private readInMixin(instruction: Instruction): void {
    const hint = notInMixins.get(instruction.kind);
    if (hint === undefined) return;
    this.reporter.error({
      code: "NotAllowedInMixin",
      range: instruction.keyword.range,
      message: `${instruction.keyword.text.toUpperCase()} cannot stand in a MIXIN`,
      hint,
    });
  }

  private readSnapshot(instruction: SnapshotInstruction): void {
    if (this.snapshot === null) {
      this.snapshot = instruction;
      return;
    }
    this.reporter.error({
      code: "DuplicateSnapshot",
      range: instruction.range,
      message: "this stage already has a SNAPSHOT name",
      hint: "keep one, or start another stage with FROM",
      related: [{ message: "first named here", range: this.snapshot.range }],
    });
  }
}

/** A misspelt FROM or MIXIN counts, so that what follows it is not reported as well. */
export function startedBlock(instruction: Instruction): "stage" | "mixin" | null {
  if (instruction.kind === "from") return "stage";
  if (instruction.kind === "mixin") return "mixin";
  if (instruction.kind !== "invalid") return null;
  const written = instruction.keyword.text.toUpperCase();
  const name = isInstructionName(written) ? written : nearestName(written, instructionNames);
  return name === "FROM" ? "stage" : name === "MIXIN" ? "mixin" : null;
}
