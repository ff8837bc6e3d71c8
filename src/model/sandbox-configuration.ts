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
}

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
};
