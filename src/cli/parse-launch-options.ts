import { isAbsolute, resolve } from "node:path";
import { Failure } from "../diagnostics/failure.ts";
import type { Mount, PortMapping } from "../worker/worker.ts";

function usage(code: string, message: string, hint: string): Failure {
  return new Failure({ code, category: "usage", message, hint });
}

/** `-e NAME=VALUE`, or `-e NAME` for the value that it has here (left out when it has none). */
export function parseEnvironment(
  settings: readonly string[],
  own: NodeJS.ProcessEnv,
): Readonly<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const setting of settings) {
    const equals = setting.indexOf("=");
    const name = equals === -1 ? setting : setting.slice(0, equals);
    if (name === "") throw usage("InvalidVariable", `-e ${setting} names no variable`, "write -e NAME=VALUE");
    const value = equals === -1 ? own[name] : setting.slice(equals + 1);
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

const portPattern = /^(?:(\d+\.\d+\.\d+\.\d+|localhost|\[[0-9a-f:]+\]):)?(\d+):(\d+)(?:\/(tcp|udp))?$/i;

/** `-p [ADDRESS:]HOST:GUEST[/udp]`; the address is 127.0.0.1 when none is given. */
export function parsePort(text: string): PortMapping {
  const match = portPattern.exec(text);
  const [, address, host, guest, protocol] = match ?? [];
  const ports = [Number(host), Number(guest)];
  if (match === null || ports.some((port) => !(port >= 1 && port <= 65535))) {
    throw usage(
      "InvalidPort",
      `-p ${text} is not a port mapping`,
      "write -p 8080:80 or -p 0.0.0.0:8080:80/udp",
    );
  }
  return {
    hostAddress:
      address === undefined || address === "localhost" ? "127.0.0.1" : address.replace(/^\[|\]$/g, ""),
    hostPort: Number(host),
    guestPort: Number(guest),
    protocol: protocol?.toLowerCase() === "udp" ? "udp" : "tcp",
  };
}

/** `-v SOURCE:PATH[:ro]`: a source with a slash (or `.`) is a folder of this host, a bare word a named volume. */
export function parseMount(text: string, workingDirectory: string): Mount {
  const parts = text.split(":");
  const [source, guestPath, mode] = parts;
  const valid =
    parts.length <= 3 &&
    source &&
    guestPath &&
    isAbsolute(guestPath) &&
    (mode === undefined || /^r[ow]$/.test(mode));
  if (!valid) {
    throw usage(
      "InvalidMount",
      `-v ${text} is not a mount`,
      "write -v ./folder:/path, -v volume:/path or …:ro",
    );
  }
  const readOnly = mode === "ro";
  if (source.includes("/") || source.startsWith(".")) {
    return { kind: "bind", guestPath, hostPath: resolve(workingDirectory, source), readOnly };
  }
  return { kind: "volume", guestPath, volume: source, readOnly };
}

export function parseNetwork(text: string | undefined): "default" | "none" {
  if (text === undefined || text === "default") return "default";
  if (text === "none") return "none";
  throw usage("InvalidNetwork", `--network ${text} is not known`, "it is default or none");
}
