import { Findings } from "../findings.ts";
import { readInstruction } from "../instructions/read-instruction.ts";
import { StageBuilder, type StageSurroundings } from "../stage-builder.ts";
import { imageEnd } from "../stage-end.ts";
import type { MixinText } from "../stages.ts";
import { mixinSurroundings, type UseSurroundings } from "./mixins.ts";

export interface MixinCheck {
  readonly mixin: MixinText;
  /** Of the file that the mixin stands in. */
  readonly findings: Findings;
  readonly place: Omit<UseSurroundings, "reader">;
  readonly surroundings: Pick<StageSurroundings, "tree" | "context" | "globalScope">;
}

/** What only a USE can answer. */
const needsValues = new Set(["ArgumentRequired"]);

/** Reads a mixin that nothing uses for the errors that it has whatever its parameters are. */
export function checkMixin({ mixin, findings, place, surroundings }: MixinCheck): void {
  const { open } = place;
  const found = new Findings(surroundings.tree.source);
  const reader = place.readerFor(open, found);
  const inside: UseSurroundings = {
    ...place,
    reader,
    mixins: [
      {
        open,
        mixin,
        usedAt: {
          message: `mixin ${mixin.name} begins here`,
          source: surroundings.tree.source,
          range: mixin.mixin.range,
        },
      },
    ],
  };
  const outer: StageSurroundings = {
    ...surroundings,
    findings: found,
    buildArguments: {},
    // Nobody: what a mixin requires is no mistake of its own.
    argumentGiver: "bake",
    proxies: {},
    useTitle: null,
    // Nothing is known of the stage, so what rests on a variable that the mixin does not set is not judged.
    complete: false,
    index: 0,
    label: mixin.name,
    onStage: true,
    findSource: (reference, range) => reader.findCopySource(reference, range),
    useMixin: () => {},
  };
  const stage = new StageBuilder(
    mixinSurroundings(outer, { inside, mixin, findings: found, given: {}, giver: "bake", useTitle: null }),
    { ...imageEnd(undefined), variables: new Map() },
  );
  for (const instruction of mixin.instructions) readInstruction(stage, instruction);
  for (const { severity, code, message, source, range, hint, related } of found.diagnostics) {
    if (severity !== "error" || needsValues.has(code)) continue;
    findings
      .within(source)
      .error(code, message, range, { hint, ...(related === undefined ? {} : { related }) });
  }
}
