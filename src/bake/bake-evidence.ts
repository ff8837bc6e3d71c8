import { isFetched } from "../context/remote-content.ts";
import type { InputsWithEvidence } from "../context/resolve-inputs.ts";
import type { KeyedPlan } from "../graph/keys/keyed-plan.ts";
import type { Program } from "../graph/link/program.ts";
import type { PlannedStep } from "../graph/plan.ts";
import type { Evidence } from "../model/evidence.ts";
import { lockPathOf } from "../sources/lock-file.ts";
import type { Pins } from "../sources/pins.ts";
import type { BakeRequest } from "./bake-request.ts";
import type { ResolvedBases } from "./resolve-bases.ts";

interface KeyGrounds {
  readonly request: BakeRequest;
  readonly program: Program;
  /** The steps that take files. */
  readonly contextSteps: readonly PlannedStep[];
  readonly bases: ResolvedBases;
  readonly pins: Pins;
  readonly inputs: InputsWithEvidence;
  readonly keyed: KeyedPlan;
}

/**
 * What a bake's keys rest on besides its request. Null where that is more than this Lightfile and its context:
 * a bake that joins other files, fetches, or asks registries looks at all of it every time.
 */
export function evidenceOf(grounds: KeyGrounds): readonly Evidence[] | null {
  const { request, program, contextSteps, bases, pins, inputs, keyed } = grounds;
  if (request.pull || request.noCache || program.files.length > 1) return null;
  if (contextSteps.some(fetches) || runsAnyAlways(keyed)) return null;
  const lock = lockPathOf(request.lightfilePath);
  return [{ kind: pins.isThere ? "content" : "absent", path: lock }, ...bases.evidence, ...inputs.evidence()];
}

function fetches({ definition }: PlannedStep): boolean {
  if (definition.kind !== "copy" || definition.source.kind !== "context") return false;
  return definition.source.patterns.some(isFetched);
}

function runsAnyAlways({ stages }: KeyedPlan): boolean {
  const steps = stages.flatMap((stage) => stage.steps);
  return steps.some(({ operation }) => operation.kind === "run" && operation.freshness !== null);
}
