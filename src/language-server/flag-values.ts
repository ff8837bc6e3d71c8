import type { InstructionName } from "../lightfile/reserved.ts";

/** Words that a flag's value can be; what depends on the file (stages, arguments) is not here. */
export function valuesOfFlag(instruction: InstructionName, flag: string): readonly string[] {
  return fixedValues[`${instruction} ${flag}`] ?? fixedValues[flag] ?? [];
}

const fixedValues: Readonly<Record<string, readonly string[]>> = {
  platform: ["linux/amd64", "linux/arm64"],
  network: ["default", "none"],
  "ARG type": ["int", "bool"],
  checksum: ["sha256:"],
  security: ["sandbox"],
};

/** The keys of `--mount`, by type. */
export const mountKeys: Readonly<Record<string, readonly string[]>> = {
  cache: ["target=", "id=", "sharing=", "mode=", "uid=", "gid=", "from=", "source=", "readonly"],
  volume: ["target=", "source=", "readonly"],
  bind: ["target=", "source=", "from=", "readonly", "rw"],
  tmpfs: ["target=", "size=", "mode="],
  secret: ["id=", "target=", "env=", "required", "mode=", "uid=", "gid="],
  ssh: ["id=", "target=", "required", "mode=", "uid=", "gid="],
};

export const mountValues: Readonly<Record<string, readonly string[]>> = {
  type: Object.keys(mountKeys),
  sharing: ["shared", "private", "locked"],
};

export const signals: readonly string[] = [
  "SIGTERM",
  "SIGINT",
  "SIGQUIT",
  "SIGHUP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGKILL",
];
