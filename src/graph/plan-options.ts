export interface PlanOptions {
  /** `--build-arg`s of the command line. */
  readonly buildArguments: Readonly<Record<string, string>>;
  /** A stage's name or number; null: the last stage. */
  readonly target: string | null;
  /** e.g. `linux/amd64` */
  readonly platform: string;
  /** Read every stage of the file, not only what the target needs: for a lock file. */
  readonly everyStage?: boolean;
}
