import { loadHasher } from "../../../src/graph/keys/hash.ts";
import { keyPlan } from "../../../src/graph/keys/key-plan.ts";
import type { KeyedPlan, KeyedStage } from "../../../src/graph/keys/keyed-plan.ts";
import type { PlannedStage, PlannedStep } from "../../../src/graph/plan.ts";
import type { BaseImage } from "../../../src/model/base-image.ts";
import { sha256Digest, stepId } from "../../../src/model/identifiers.ts";
import { emptyConfiguration } from "../../../src/model/sandbox-configuration.ts";
import { plainRun, plainSelection } from "../../support/plain-operations.ts";

export const image: BaseImage = {
  reference: "base:1",
  digest: sha256Digest(`sha256:${"ab".repeat(32)}`),
  platform: "linux/amd64",
  configuration: emptyConfiguration,
};

export interface StageSketch {
  /** Index of the stage that it is FROM; absent: the image. */
  readonly from?: number;
  /** Command lines; `copy N` copies from stage N. */
  readonly steps: readonly string[];
  readonly cpus?: number;
  readonly memoryMib?: number;
}

/** A keyed plan of stages 0, 1, …, of which the last is the target. */
export async function sketchPlan(sketches: readonly StageSketch[]): Promise<KeyedPlan> {
  const stages = sketches.map(toStage);
  const plan = { stages, target: stages.length - 1, snapshotName: null };
  return keyPlan(plan, { inputs: new Map(), hasher: await loadHasher(), ground: null, freshness: "" });
}

function toStage(sketch: StageSketch, index: number): PlannedStage {
  return {
    index,
    name: `s${index}`,
    base: sketch.from === undefined ? { kind: "image" } : { kind: "stage", index: sketch.from },
    image,
    resources: { cpus: sketch.cpus ?? null, memoryMib: sketch.memoryMib ?? null, diskSizeMib: 8192 },
    steps: sketch.steps.map((title, position) => toStep(title, index, position)),
    configuration: emptyConfiguration,
    tests: [],
    history: [],
  };
}

function toStep(title: string, stage: number, position: number): PlannedStep {
  const copied = /^copy (\d+)$/.exec(title)?.[1];
  return {
    id: stepId(`${stage}/${position + 1}`),
    stage,
    title,
    range: { start: 0, end: 0 },
    source: { path: "Lightfile", text: "" },
    context: { directory: "/", lightfilePath: null },
    variables: {},
    definition:
      copied === undefined
        ? {
            kind: "run",
            command: { kind: "argv", argv: ["sh", "-c", title] },
            environment: {},
            user: "root",
            workingDirectory: "/",
            directories: [],
            ...plainRun,
            runsAlways: false,
          }
        : {
            kind: "copy",
            source: { kind: "stage", index: Number(copied), paths: ["/out"], ...plainSelection },
            destination: "/in",
            destinationIsDirectory: false,
            owner: null,
            mode: null,
            directories: [],
          },
  };
}

export function keyedStage(keyed: KeyedPlan, index: number): KeyedStage {
  const stage = keyed.stages[index];
  if (stage === undefined) throw new Error(`the sketch has no stage ${index}`);
  return stage;
}
