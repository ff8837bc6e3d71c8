import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { LayerKey, StepId } from "../model/identifiers.ts";
import type { BakeCollaborators, BakeRequest } from "./bake-request.ts";

export type BakeExplanation =
  | {
      readonly kind: "explained";
      readonly snapshotName: string | null;
      readonly steps: readonly StepExplanation[];
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly kind: "invalid"; readonly diagnostics: readonly Diagnostic[] };

export interface StepExplanation {
  readonly step: StepId;
  readonly stage: number;
  readonly stageName: string | null;
  /** The instruction on one line. */
  readonly title: string;
  /** 1-based, in the Lightfile. */
  readonly line: number;
  readonly layer: LayerKey;
  readonly state: "cached" | "will-run";
  /** Why it will run, one sentence each, e.g. `variable VERSION changed`; empty when cached. */
  readonly reasons: readonly string[];
  /** What the step took when it last ran; null when it is not known. */
  readonly durationMs: number | null;
}

/** What a bake would do, and why, on the index's word: no worker is asked, nothing is run or written. */
export async function explainBake(
  request: BakeRequest,
  collaborators: BakeCollaborators,
  signal: AbortSignal,
): Promise<BakeExplanation> {
  signal.throwIfAborted();
  throw new Error(
    `internal error: ${request.lightfile.path} for ${collaborators.workerName} is not wired yet`,
  );
}
