import { expect, test } from "vitest";
import type { NetworkAccess, RunMount, RunOperation } from "../../../../../src/model/step-operation.ts";
import { needsOfAll, suits } from "../../../../../src/worker/local/builder/builder-needs.ts";
import { plainRun } from "../../../../support/plain-operations.ts";

function run(network: NetworkAccess, mounts: readonly RunMount[] = []): RunOperation {
  return {
    ...plainRun,
    kind: "run",
    command: { kind: "argv", argv: ["true"] },
    environment: {},
    user: "root",
    workingDirectory: "/",
    directories: [],
    network,
    mounts,
  };
}

const copying = { kind: "make-directories", directories: [] } as const;
const only = (...allow: string[]): NetworkAccess => ({ allow });
const volume = (name: string): RunMount => ({ kind: "volume", name, target: "/v", readOnly: false });
const tmpfs: RunMount = { kind: "tmpfs", target: "/t", sizeBytes: null, mode: 0o1777 };
const cache: RunMount = {
  kind: "cache",
  id: "c",
  target: "/c",
  readOnly: false,
  sharing: "shared",
  mode: 0o755,
  userId: 0,
  groupId: 0,
  seed: null,
};

test("steps that want no network run in any builder, and decide only when all do", () => {
  expect(needsOfAll([copying, run("none")]).network).toBe("none");
  expect(needsOfAll([copying, run("none"), run(only("a.org")), run("default")]).network).toEqual(
    only("a.org"),
  );
  expect(suits(needsOfAll([run("default")]), run("none"))).toBe(true);
});

test("a step with other hosts than the builder's needs another one", () => {
  const needs = needsOfAll([run(only("a.org")), run("default")]);
  expect(suits(needs, run(only("a.org")))).toBe(true);
  expect(suits(needs, run(only("a.org", "b.org")))).toBe(false);
  expect(suits(needs, run("default"))).toBe(false);
  expect(suits(needsOfAll([run("default")]), run(only("a.org")))).toBe(false);
  expect(suits(needsOfAll([run("none")]), run("default"))).toBe(false);
});

test("a builder has what the steps until the next change of network mount", () => {
  const needs = needsOfAll([
    run("default", [volume("one"), tmpfs]),
    run("none", [volume("one"), volume("two")]),
    run(only("a.org"), [cache, volume("three")]),
  ]);
  expect(needs).toEqual({ network: "default", volumes: ["one", "two"], hasScratch: false });
  expect(suits(needs, run("default", [tmpfs]))).toBe(true);
  expect(suits(needs, run("default", [cache]))).toBe(false);
  expect(suits(needs, run("default", [volume("three")]))).toBe(false);
});
