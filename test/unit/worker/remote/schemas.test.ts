import * as v from "valibot";
import { expect, test } from "vitest";
import { contentDigest } from "../../../../src/model/identifiers.ts";
import type { ContextEntry, RunMount } from "../../../../src/model/step-operation.ts";
import { lineageRequestSchema } from "../../../../src/worker/remote/lineage-schemas.ts";
import type { LineageRequest } from "../../../../src/worker/worker.ts";
import { copyStep, lineageOf, runSteps } from "../contract/contract-rig.ts";
import { testImage } from "./test-image.ts";

const base = { image: testImage, diskSizeMib: 1024 };
const digest = contentDigest("0".repeat(32));

function copyOf(entry: ContextEntry, name = "folder"): unknown {
  const step = copyStep({ name, digest, sizeBytes: 0 }, null);
  if (step.operation.kind !== "copy") throw new Error("not a copy");
  const source = {
    kind: "context",
    sources: [{ written: ".", kind: "directory", name, entries: [entry] }],
  } as const;
  return lineageOf(base, [{ ...step, operation: { ...step.operation, source } }]);
}

test("a lineage request is read as it was written", () => {
  const request = lineageOf(base, [
    ...runSteps("RUN echo one", "RUN echo two"),
    copyStep({ name: "a.txt", digest, sizeBytes: 1 }, null),
  ]);
  expect(v.parse(lineageRequestSchema, JSON.parse(JSON.stringify(request)))).toEqual(request);
});

test("paths that leave their source are refused", () => {
  const readable = (entry: ContextEntry, name?: string) => v.is(lineageRequestSchema, copyOf(entry, name));
  const directory = (path: string): ContextEntry => ({ kind: "directory", path, mode: 0o755 });
  for (const path of ["", "a", "a/b", "..a", "a..", "a/...b"]) expect(readable(directory(path))).toBe(true);
  for (const path of ["/", "/etc/shadow", "..", "../a", "a/../../b", "a/.."]) {
    expect(readable(directory(path))).toBe(false);
    expect(readable({ kind: "symlink", path, target: "x" })).toBe(false);
    expect(readable({ kind: "file", path, mode: 0o644, sizeBytes: 1, digest })).toBe(false);
  }
  for (const name of ["..", "a/b", "/"]) expect(readable(directory("a"), name)).toBe(false);
});

test("numbers that make no sense are refused", () => {
  const request = lineageOf(base, runSteps("RUN echo one"));
  for (const diskSizeMib of [0, -1, Number.NaN, "1024", null]) {
    expect(v.is(lineageRequestSchema, { ...request, diskSizeMib })).toBe(false);
  }
  expect(v.is(lineageRequestSchema, copyOf({ kind: "directory", path: "a", mode: 0o10000 }))).toBe(false);
});

test("what a RUN mounts is read as it was written, and places that make no sense are refused", () => {
  const [plain] = runSteps("RUN echo one");
  if (plain?.operation.kind !== "run") throw new Error("not a RUN");
  const { operation } = plain;
  const withMounts = (...mounts: RunMount[]): LineageRequest =>
    lineageOf(base, [{ ...plain, operation: { ...operation, mounts } }]);
  const owned = { mode: 0o700, userId: 1, groupId: 2 };
  const stage = {
    kind: "stage",
    layer: null,
    imageDigest: "sha256:x",
    diskSizeMib: 1024,
    path: "/a",
  } as const;
  const request = withMounts(
    { kind: "tmpfs", target: "/t", sizeBytes: 1024, mode: 0o1777 },
    { kind: "volume", name: "v", target: "/v", readOnly: true },
    { kind: "bind", target: "/b", readOnly: true, content: stage },
    { kind: "cache", id: "c", target: "/c", readOnly: false, sharing: "locked", ...owned, seed: stage },
    { kind: "secret", id: "s", target: null, environmentVariable: "S", required: true, ...owned },
    { kind: "ssh", id: "default", target: "/run/ssh", required: false, ...owned },
  );
  expect(v.parse(lineageRequestSchema, JSON.parse(JSON.stringify(request)))).toEqual(request);
  for (const target of ["/", "", "x", "/a/../b", "/a//b", "/a/./b", "/a/"]) {
    const volume = { kind: "volume", name: "v", target, readOnly: true } as const;
    expect(v.is(lineageRequestSchema, withMounts(volume))).toBe(false);
  }
});
