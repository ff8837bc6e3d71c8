/**
 * How a sandbox starts: what an OCI image's config and a Lightfile's ENV, WORKDIR, USER, CMD, ENTRYPOINT and
 * LABEL say. It is kept with the snapshot because a disk does not carry it.
 */
export interface SandboxConfiguration {
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute guest path. */
  readonly workingDirectory: string;
  /** `name|uid[:group|gid]`; `root` when nobody said. */
  readonly user: string;
  /** Null when nobody said. */
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  /** What shell forms and `lightbox shell` use, e.g. `["/bin/sh", "-c"]`. */
  readonly shell: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** e.g. `8080/tcp` */
  readonly exposedPorts: readonly string[];
  /** Guest paths. */
  readonly volumes: readonly string[];
  readonly stopSignal: string | null;
  /** Null: nobody asks for the sandbox's health. */
  readonly healthcheck: Healthcheck | null;
  /** Instructions as written (heredocs with their bodies), to be read right after a `FROM` of this. */
  readonly onbuild: readonly string[];
  /**
   * Variables of {@link environment}'s kind whose values a step printed (`ENV --from-output`). Who makes the
   * layers knows the values, and puts them into `environment` when the configuration is kept with a snapshot: in
   * one that is kept, the list is empty.
   */
  readonly outputVariables: readonly string[];
}

/** A `HEALTHCHECK`. Times have Docker's defaults where nobody said. */
export interface Healthcheck {
  /** The whole argument list, e.g. `["/bin/sh", "-c", "curl -f http://localhost/"]`; 0 is healthy. */
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures do not count until this time after the start. */
  readonly startPeriodMs: number;
  /** Between checks during the start period. */
  readonly startIntervalMs: number;
  /** Failures in a row that make a sandbox unhealthy. */
  readonly retries: number;
}

export const defaultHealthcheckTimes: Omit<Healthcheck, "command"> = {
  intervalMs: 30_000,
  timeoutMs: 30_000,
  startPeriodMs: 0,
  startIntervalMs: 5_000,
  retries: 3,
};

/** PATH where the base image has none. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export const defaultShell: readonly string[] = ["/bin/sh", "-c"];

/** The configuration of an image whose config says nothing. */
export const emptyConfiguration: SandboxConfiguration = {
  environment: { PATH: defaultPath },
  workingDirectory: "/",
  user: "root",
  entrypoint: null,
  command: null,
  shell: defaultShell,
  labels: {},
  exposedPorts: [],
  volumes: [],
  stopSignal: null,
  healthcheck: null,
  onbuild: [],
  outputVariables: [],
};
