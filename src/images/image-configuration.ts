import { defaultPath, defaultShell, type SandboxConfiguration } from "../model/sandbox-configuration.ts";
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
