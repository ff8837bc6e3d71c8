import {
  defaultHealthcheckTimes,
  defaultPath,
  defaultShell,
  type Healthcheck,
  type SandboxConfiguration,
} from "../model/sandbox-configuration.ts";
import type { ImageConfig } from "./manifest.ts";

/** What an OCI image's config says about how a sandbox starts, with Docker's defaults for what it leaves out. */
export function sandboxConfiguration(image: ImageConfig): SandboxConfiguration {
  const config = image.config ?? {};
  return {
    environment: environment(config.Env ?? []),
    workingDirectory: absolute(config.WorkingDir ?? ""),
    user: config.User || "root",
    entrypoint: nonEmpty(config.Entrypoint),
    command: nonEmpty(config.Cmd),
    shell: nonEmpty(config.Shell) ?? defaultShell,
    labels: config.Labels ?? {},
    exposedPorts: Object.keys(config.ExposedPorts ?? {})
      .map((port) => (port.includes("/") ? port : `${port}/tcp`))
      .sort(),
    volumes: Object.keys(config.Volumes ?? {}).sort(),
    stopSignal: config.StopSignal || null,
    healthcheck: healthcheck(config.Healthcheck, nonEmpty(config.Shell) ?? defaultShell),
    onbuild: config.OnBuild ?? [],
    outputVariables: [],
  };
}

type ImageHealthcheck = NonNullable<ImageConfig["config"]>["Healthcheck"];

const nanosecondsPerMillisecond = 1_000_000;

/** Docker's extension of the config: `["CMD", argument…]`, `["CMD-SHELL", line]` or `["NONE"]`; times of 0 are not said. */
function healthcheck(written: ImageHealthcheck, shell: readonly string[]): Healthcheck | null {
  const [form, ...words] = written?.Test ?? [];
  if ((form !== "CMD" && form !== "CMD-SHELL") || words.length === 0) return null;
  const defaults = defaultHealthcheckTimes;
  const milliseconds = (time: number | null | undefined, otherwise: number) =>
    time ? time / nanosecondsPerMillisecond : otherwise;
  return {
    command: form === "CMD" ? words : [...shell, words.join(" ")],
    intervalMs: milliseconds(written?.Interval, defaults.intervalMs),
    timeoutMs: milliseconds(written?.Timeout, defaults.timeoutMs),
    startPeriodMs: milliseconds(written?.StartPeriod, defaults.startPeriodMs),
    startIntervalMs: milliseconds(written?.StartInterval, defaults.startIntervalMs),
    retries: written?.Retries || defaults.retries,
  };
}

function environment(entries: readonly string[]): Record<string, string> {
  const pairs = entries.flatMap((entry): [string, string][] => {
    const equals = entry.indexOf("=");
    // Docker ignores entries without a name or without an equals sign, too.
    return equals <= 0 ? [] : [[entry.slice(0, equals), entry.slice(equals + 1)]];
  });
  return { PATH: defaultPath, ...Object.fromEntries(pairs) };
}

function nonEmpty(list: readonly string[] | null | undefined): readonly string[] | null {
  return list === null || list === undefined || list.length === 0 ? null : list;
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}
