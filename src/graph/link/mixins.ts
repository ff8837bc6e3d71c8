import type { RelatedLocation } from "../../diagnostics/diagnostic.ts";
import { didYouMean } from "../../diagnostics/suggest.ts";
import type { UseInstruction } from "../../lightfile/ast.ts";
import type { ArgumentGiver, UsePlace } from "../argument-giver.ts";
import { Findings } from "../findings.ts";
import { titleValue } from "../instructions/flags.ts";
import { readInstruction } from "../instructions/read-instruction.ts";
import type { StageBuilder, StageSurroundings } from "../stage-builder.ts";
import type { StageSourceReader } from "../stage-sources.ts";
import { type MixinText, nameWords } from "../stages.ts";
import type { OpenFile } from "./open-file.ts";

/** A mixin whose instructions are being read, and the USE that asked for it. */
export interface MixinInUse {
  readonly open: OpenFile;
  readonly mixin: MixinText;
  readonly usedAt: RelatedLocation;
}

/** What a USE needs to know about where it stands. */
export interface UseSurroundings {
  readonly open: OpenFile;
  readonly reader: StageSourceReader;
  /** The mixins that led here, the outermost first. */
  readonly mixins: readonly MixinInUse[];
  /** Reads words of another file on behalf of this stage. */
  readerFor(open: OpenFile, findings: Findings): StageSourceReader;
  /** Told of every mixin that is put in place; false when it is one too many. */
  onUse(mixin: MixinText): boolean;
}

/** More than anyone writes; mixins that use each other twice each would otherwise go on for years. */
export const mostUses = 2000;
const deepest = 100;

/** Puts the instructions of a mixin in place. */
export function readUse(stage: StageBuilder, instruction: UseInstruction, place: UseSurroundings): void {
  stage.scope.beginInstruction();
  const title = titleValue(
    stage,
    instruction.flags.find((flag) => flag.name.text === "title"),
  );
  const given = readParameters(stage, instruction);
  const isUnsure = stage.scope.restsOnUnknown || place.open.mistakes.overlap(instruction.range);
  const found = findMixin(stage, instruction, place);
  if (found !== null) reportUnknownParameters(stage, instruction, found);
  stage.scope.endInstruction();
  if (found === null) {
    // What it would have set is not known.
    stage.scope.becomeIncomplete();
    return;
  }
  const inUse: MixinInUse = {
    ...found,
    usedAt: {
      message: `mixin ${found.mixin.name} is used here`,
      source: stage.surroundings.tree.source,
      range: instruction.range,
    },
  };
  if (reportLoop(stage, inUse, place)) return;
  if (!place.onUse(found.mixin) || place.mixins.length >= deepest) {
    stage.findings.error("TooManyMixins", `the mixins use each other too often`, instruction.range, {
      hint: `at most ${mostUses} may be put in place in one stage, and ${deepest} within each other`,
    });
    return;
  }
  // What rests on a value that is not known yet is read, but not judged.
  const outer = isUnsure ? new Findings(stage.findings.source) : stage.findings;
  const findings = outer.within(found.open.file.tree.source, inUse.usedAt);
  const inside: UseSurroundings = {
    ...place,
    open: found.open,
    reader: place.readerFor(found.open, findings),
    mixins: [...place.mixins, inUse],
  };
  const useTitle = title ?? stage.surroundings.useTitle;
  const use: UsePlace = {
    findings: outer,
    range: instruction.mixin.range,
    mixin: instruction.mixin.text,
    values: new Map(instruction.parameters.map(({ name, value }) => [name.text, value.range])),
  };
  const reading = { inside, mixin: found.mixin, findings, given, giver: use, useTitle };
  stage.readWithin(mixinSurroundings(stage.surroundings, reading), isUnsure, () => {
    for (const one of found.mixin.instructions) readInstruction(stage, one);
  });
}

interface MixinReading {
  readonly inside: UseSurroundings;
  readonly mixin: MixinText;
  readonly findings: Findings;
  readonly given: Readonly<Record<string, string>>;
  readonly giver: ArgumentGiver;
  readonly useTitle: string | null;
}

export function mixinSurroundings(
  outer: StageSurroundings,
  { inside, mixin, findings, given, giver, useTitle }: MixinReading,
): StageSurroundings {
  const { open, reader } = inside;
  return {
    ...outer,
    tree: open.file.tree,
    context: open.file.context,
    findings,
    buildArguments: given,
    argumentGiver: giver,
    globalScope: open.scope,
    complete: outer.complete && open.isRead(mixin),
    useTitle,
    findSource: (reference, range) => reader.findCopySource(reference, range),
    useMixin: (stage, instruction) => readUse(stage, instruction, inside),
  };
}

function readParameters(stage: StageBuilder, { parameters }: UseInstruction): Record<string, string> {
  const given: Record<string, string> = {};
  for (const { name, value } of parameters) {
    const expanded = stage.scope.expand(value.text, value.range);
    if (expanded !== null) given[name.text] = expanded;
  }
  return given;
}

function findMixin(
  stage: StageBuilder,
  { mixin: { text, range } }: UseInstruction,
  { open, reader }: UseSurroundings,
): Pick<MixinInUse, "open" | "mixin"> | null {
  const written = stage.scope.expand(text, range);
  if (written === null) return null;
  const hash = written.indexOf("#");
  const name = written.slice(hash + 1);
  const file = hash === -1 ? open : reader.findImportedFile(written.slice(0, hash), range);
  if (file === null) return null;
  const mixin = file.findMixin(name);
  if (mixin !== undefined) return { open: file, mixin };
  if (file.mayHide(name)) return null;
  const names = file.texts.mixins.map((one) => one.mixin.name.text);
  stage.findings.error("UnknownMixin", unknownMixin(name, file, open), range, {
    hint: didYouMean(name, names) ?? nameWords("mixins", names) ?? `begin it with a line MIXIN ${name}`,
  });
  return null;
}

function unknownMixin(name: string, file: OpenFile, own: OpenFile): string {
  return file === own
    ? `no mixin is named ${name}`
    : `${file.file.tree.source.path} has no mixin named ${name}`;
}

function reportUnknownParameters(
  stage: StageBuilder,
  { parameters }: UseInstruction,
  { open, mixin: { name, instructions } }: Pick<MixinInUse, "open" | "mixin">,
): void {
  if (instructions.some((instruction) => open.mistakes.hideVariables(instruction))) return;
  const declared = new Set<string>();
  for (const instruction of instructions) {
    if (instruction.kind === "arg") for (const one of instruction.declarations) declared.add(one.name.text);
  }
  for (const parameter of parameters) {
    if (declared.has(parameter.name.text)) continue;
    const { text, range } = parameter.name;
    stage.findings.error("UnknownParameter", `mixin ${name} has no parameter ${text}`, range, {
      hint:
        didYouMean(text, declared) ?? nameWords("its parameters", declared) ?? "it has none: no ARG is in it",
    });
  }
}

/** Whether the mixin is being read already: it would go on for ever. */
function reportLoop(stage: StageBuilder, inUse: MixinInUse, { mixins }: UseSurroundings): boolean {
  const first = mixins.findIndex(
    ({ open, mixin }) => open.file === inUse.open.file && mixin.name === inUse.mixin.name,
  );
  if (first === -1) return false;
  const loop = [...mixins.slice(first), inUse];
  const way = loop.map(({ mixin }) => mixin.name).join(" → ");
  const message = `the mixins use each other in a circle: ${way}`;
  // The other USEs of the loop are the way here, which every finding in a mixin has with it.
  stage.findings.error("ReferenceCycle", message, inUse.usedAt.range, { hint: "take one of these USEs out" });
  return true;
}
