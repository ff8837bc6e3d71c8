import { isIP } from "node:net";
import type { NetworkAccess } from "../../../model/step-operation.ts";
import type { NetworkPolicy } from "./microsandbox.ts";

type Rule = NetworkPolicy["rules"][number];
type Destination = Rule["destination"];

/** What the host that bakes is called in a guest: its gateway's name. */
const hostAlias = "host.microsandbox.internal";

/**
 * The runtime's policy for `--network=HOST,…`: these hosts, and nothing else. A name that is not allowed is not looked
 * up either, because a question to a name server can carry anything out.
 */
export function networkPolicy({ allow }: Exclude<NetworkAccess, string>): NetworkPolicy {
  const entries = allow.map(readEntry);
  const exact = entries.filter(({ isBelow }) => !isBelow);
  const below = entries.filter(({ isBelow }) => isBelow);
  return {
    defaultEgress: "deny",
    defaultIngress: "allow",
    rules: [
      ...exact.map(({ host, port }) => rule("allow", exactDestination(host), portsOf(host, port))),
      ...below.flatMap(({ host, port }) => [
        // The runtime's suffixes hold for the domain itself, too; the first rule that fits decides.
        rule("deny", { kind: "domain", domain: host }, []),
        rule("allow", { kind: "domainSuffix", suffix: host }, portsOf(host, port)),
      ]),
    ],
  };
}

interface AllowedHost {
  /** Without the brackets of an IPv6 address, and without `*.`. */
  readonly host: string;
  readonly port: number | null;
  /** Every name below it, not itself. */
  readonly isBelow: boolean;
}

function readEntry(entry: string): AllowedHost {
  const match = /^(\*\.)?(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry);
  const host = match?.[2] ?? match?.[3];
  if (match === null || host === undefined || host === "") {
    throw new Error(`internal error: not a host to allow: ${entry}`);
  }
  return { host, port: match[4] === undefined ? null : Number(match[4]), isBelow: match[1] !== undefined };
}

function exactDestination(host: string): Destination {
  if (host === hostAlias) return { kind: "group", group: "host" };
  const family = isIP(host);
  if (family === 0) return { kind: "domain", domain: host };
  return { kind: "cidr", cidr: `${host}/${family === 4 ? 32 : 128}` };
}

/**
 * Empty: all. Of the host all but that of name servers: the runtime takes the port for its leave to look up any name.
 */
function portsOf(host: string, port: number | null): Rule["ports"] {
  if (port !== null) return [{ start: port, end: port }];
  if (host !== hostAlias) return [];
  return [
    { start: 1, end: 52 },
    { start: 54, end: 65535 },
  ];
}

function rule(action: Rule["action"], destination: Destination, ports: Rule["ports"]): Rule {
  return {
    direction: "egress",
    destination,
    protocols: [],
    ports,
    action,
  };
}
