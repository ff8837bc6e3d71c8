import { NetworkBuilder } from "microsandbox";
import { expect, test } from "vitest";
import { networkPolicy } from "../../../../../src/worker/local/microvm/network-policy.ts";

const egress = { direction: "egress", protocols: [] } as const;

test("names and addresses are allowed, on one port or all, and nothing else is", () => {
  const policy = networkPolicy({ allow: ["10.0.0.1", "[::1]:80", "example.org", "pypi.org:443"] });
  expect(policy.defaultEgress).toBe("deny");
  expect(policy.rules).toEqual([
    { ...egress, destination: { kind: "cidr", cidr: "10.0.0.1/32" }, ports: [], action: "allow" },
    {
      ...egress,
      destination: { kind: "cidr", cidr: "::1/128" },
      ports: [{ start: 80, end: 80 }],
      action: "allow",
    },
    { ...egress, destination: { kind: "domain", domain: "example.org" }, ports: [], action: "allow" },
    {
      ...egress,
      destination: { kind: "domain", domain: "pypi.org" },
      ports: [{ start: 443, end: 443 }],
      action: "allow",
    },
  ]);
});

test("names below a domain are allowed and the domain itself is not, unless it is named", () => {
  const actions = networkPolicy({ allow: ["*.example.org", "example.org:443"] }).rules.map(
    ({ action, destination, ports }) => [action, destination, ports.length],
  );
  expect(actions).toEqual([
    ["allow", { kind: "domain", domain: "example.org" }, 1],
    ["deny", { kind: "domain", domain: "example.org" }, 0],
    ["allow", { kind: "domainSuffix", suffix: "example.org" }, 0],
  ]);
});

test("the host that bakes is allowed by the name that guests know it by", () => {
  const { rules } = networkPolicy({ allow: ["host.microsandbox.internal:8080"] });
  expect(rules.map(({ destination }) => destination)).toEqual([{ kind: "group", group: "host" }]);
});

test("the host that bakes without a port brings no leave to look up other names, which go to its port 53", () => {
  const { rules } = networkPolicy({ allow: ["host.microsandbox.internal"] });
  const isOpen = (port: number): boolean =>
    rules.some(({ ports }) => ports.some(({ start, end }) => start <= port && port <= end));
  expect([1, 52, 53, 54, 65535].map(isOpen)).toEqual([true, true, false, true, true]);
});

test("the runtime takes such a policy", () => {
  const policy = networkPolicy({
    allow: ["*.example.org", "10.0.0.1", "[fe80::1]:80", "example.com", "host.microsandbox.internal"],
  });
  expect(new NetworkBuilder().policy(policy).build().policy?.rules).toHaveLength(6);
});
