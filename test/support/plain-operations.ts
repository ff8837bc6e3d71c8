import type { RunOperation, StageSelection } from "../../src/model/step-operation.ts";

/** Of a RUN without flags. */
export const plainRun = {
  outputVariables: [],
  network: "default",
  mounts: [],
  timeoutSeconds: null,
  retries: 0,
  outputVariable: null,
  freshness: null,
} as const satisfies Partial<RunOperation>;

/** Of a COPY without flags; its paths are added. */
export const plainSelection = {
  excludes: [],
  keepsParents: false,
  ifExists: false,
} as const satisfies Partial<StageSelection>;
