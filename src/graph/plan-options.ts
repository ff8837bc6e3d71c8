import type { Range } from "../diagnostics/source-file.ts";

export interface PlanOptions {
  /** `--build-arg`s of the command line. */
  readonly buildArguments: Readonly<Record<string, string>>;
  /** A stage's name or number; null: the last stage. */
  readonly target: string | null;
  /** e.g. `linux/amd64` */
  readonly platform: string;
  /** Of the parser's errors; see parse-mistakes.ts. */
  readonly parseErrors?: readonly Range[];
}
