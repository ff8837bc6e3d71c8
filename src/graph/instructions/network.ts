import { isIPv4, isIPv6 } from "node:net";
import { didYouMean } from "../../diagnostics/suggest.ts";
import type { Flag } from "../../lightfile/ast.ts";
import type { NetworkAccess } from "../../model/step-operation.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { flagValue } from "./flags.ts";

const highestPort = 65_535;
const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const hostName = new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`);

/** `--network=none`, `--network=default`, or the hosts that a command may reach, separated by commas. */
export function readNetwork(stage: StageBuilder, flag: Flag | undefined): NetworkAccess {
  const value = flagValue(stage, flag);
  if (flag === undefined || value === null) return "default";
  const words = value
    .split(",")
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== "");
  const [only] = words;
  if (words.length === 1 && (only === "default" || only === "none")) return only;
  const hosts = words.flatMap((word) => {
    const trouble = hostTrouble(word);
    if (trouble === null) return [word];
    stage.findings.error("InvalidNetworkAccess", `--network: ${trouble.message}`, flag.range, {
      hint: trouble.hint,
    });
    return [];
  });
  if (words.length === 0) {
    stage.findings.error("InvalidNetworkAccess", `--network=${value} names no host`, flag.range, {
      hint: "write --network=none for no network at all",
    });
  }
  return { allow: [...new Set(hosts)].sort() };
}

interface Trouble {
  readonly message: string;
  readonly hint: string;
}

const form = "write none, default, or hosts: example.org, example.org:443, *.example.org, 10.0.0.1, [::1]:80";

/** Why a word of the list is no host; null when it is one. */
function hostTrouble(word: string): Trouble | null {
  if (word === "none" || word === "default") {
    return { message: `${word} stands alone`, hint: `take the hosts out, or take ${word} out` };
  }
  if (word === "host") {
    return {
      message: "a step has no part in the network of the host",
      hint: "its microVM has a network of its own; name the hosts that it may reach, or take the flag out",
    };
  }
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(word);
  const [, host = "", port] = match ?? [];
  if (match === null) {
    return isIPv6(word)
      ? { message: `${word} has no brackets`, hint: `write [${word}]` }
      : { message: `${word} is no host`, hint: form };
  }
  if (port !== undefined && (Number(port) < 1 || Number(port) > highestPort)) {
    return { message: `${port} is no port`, hint: `ports go from 1 to ${highestPort}` };
  }
  if (host.startsWith("[")) {
    return isIPv6(host.slice(1, -1)) ? null : { message: `${host} is no IPv6 address`, hint: form };
  }
  if (/^[\d.]+$/.test(host) ? !isIPv4(host) : !hostName.test(host) || host.length > 253) {
    return { message: `${word} is no host`, hint: form };
  }
  // A word without a dot is more often a misspelt mode than a host.
  if (!host.includes(".") && port === undefined) {
    return {
      message: `${word} is neither a mode nor a whole name`,
      hint: didYouMean(word, ["none", "default"]) ?? `for a host of that name, add a port: ${word}:443`,
    };
  }
  return null;
}
