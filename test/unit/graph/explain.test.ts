import { expect, test } from "vitest";
import { describeChanges } from "../../../src/graph/explain/describe-changes.ts";
import { explainChange } from "../../../src/graph/explain/explain-change.ts";
import { pairSteps } from "../../../src/graph/explain/pair-steps.ts";
import { type RecordedStep, recordSteps } from "../../../src/graph/explain/recorded-step.ts";
import { contentDigest, layerKey } from "../../../src/model/identifiers.ts";
import type { ContextSource } from "../../../src/model/step-operation.ts";
import { keyedPlanOf, type PlanTestOptions } from "../../support/planned.ts";

interface Version extends PlanTestOptions {
  readonly text: string;
  readonly files?: Readonly<Record<string, string>>;
}

async function recorded({ text, files = {}, ...options }: Version): Promise<readonly RecordedStep[]> {
  const entries = Object.entries(files).map(
    ([path, digit]) =>
      ({ kind: "file", path, mode: 0o644, sizeBytes: 1, digest: contentDigest(digit.repeat(32)) }) as const,
  );
  const sources: readonly ContextSource[] = [{ written: "src", kind: "directory", name: "src", entries }];
  const steps = recordSteps(await keyedPlanOf(text, { ...options, sources }));
  // What is kept on disk is JSON.
  return JSON.parse(JSON.stringify(steps)) as readonly RecordedStep[];
}

/** The sentences for each step of the second version, by title. */
async function reasons(
  before: Version,
  after: Version,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const now = await recorded(after);
  const old = pairSteps(await recorded(before), now);
  return Object.fromEntries(
    now.map((step, at) => [step.title, describeChanges(explainChange(old[at], step))]),
  );
}

const stage = (...lines: readonly string[]): Version => ({ text: `FROM a\n${lines.join("\n")}\n` });

test("an unchanged step has no reasons, a new one is new", async () => {
  expect(await reasons(stage("RUN one"), stage("RUN one", "RUN two"))).toEqual({
    "RUN one": [],
    "RUN two": ["the step is new"],
  });
});

test("a changed instruction is told with what it was; what stands on it only names it", async () => {
  expect(await reasons(stage("RUN a", "RUN b", "RUN c"), stage("RUN a", "RUN x", "RUN c"))).toEqual({
    "RUN a": [],
    "RUN x": ["the instruction changed; it was RUN b"],
    "RUN c": ["the step before it changed: RUN x"],
  });
});

test("a step that is put between others is new, and the one after it knows", async () => {
  expect(await reasons(stage("RUN a", "RUN c"), stage("RUN a", "RUN b", "RUN c"))).toEqual({
    "RUN a": [],
    "RUN b": ["the step is new"],
    "RUN c": ["the step before it changed: RUN b"],
  });
});

test("the body of a heredoc is part of the instruction though its title is the same", async () => {
  const version = (line: string) => stage("RUN <<EOF", "first", line, "EOF");
  expect(await reasons(version("a"), version("b"))).toEqual({
    "RUN <<EOF (first)": ["the instruction changed"],
  });
});

test("variables are told with their values", async () => {
  expect(await reasons(stage("ENV A=1 B=2", "RUN x"), stage("ENV A=3 C=4", "RUN x"))).toEqual({
    "RUN x": ["variable A changed from 1 to 3", "variable B is no longer set", "variable C is set now, to 4"],
  });
});

test("a COPY is told of the variable that it expands, not of others", async () => {
  const version = (mode: string) => stage(`ARG MODE=${mode}`, `ARG OTHER=${mode}`, "COPY src /$MODE/");
  expect(await reasons(version("debug"), version("release"))).toEqual({
    "COPY src /$MODE/": ["variable MODE changed from debug to release"],
  });
});

test("files are told by their paths in the context, and counted when they are many", async () => {
  const text = "FROM a\nCOPY src /x/\n";
  const before = { text, files: { same: "1", changed: "2", gone: "3" } };
  expect(await reasons(before, { text, files: { same: "1", changed: "4", "new/one": "5" } })).toEqual({
    "COPY src /x/": ["file src/changed changed", "file src/new/one was added", "file src/gone was removed"],
  });
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`f${at + 10}`, "6"]));
  const sentences = await reasons({ text, files: {} }, { text, files: many });
  expect(sentences["COPY src /x/"]).toEqual([
    "file src/f10 was added",
    "file src/f11 was added",
    "file src/f12 was added",
    "file src/f13 was added",
    "file src/f14 was added",
    "15 more files changed",
  ]);
});

test("working directory, user and shell", async () => {
  const before = stage("WORKDIR /a", "RUN first", "WORKDIR /b", "USER one", "RUN x");
  const after = stage(
    "WORKDIR /a",
    "RUN first",
    "WORKDIR /c",
    "USER two",
    'SHELL ["/bin/bash", "-c"]',
    "RUN x",
  );
  expect(await reasons(before, after)).toEqual({
    "RUN first": [],
    "RUN x": [
      "the working directory changed from /b to /c",
      "the user changed from one to two",
      "the shell changed from /bin/sh -c to /bin/bash -c",
      "a WORKDIR before it changed",
    ],
  });
});

test("base image and disk size", async () => {
  const version = (disk: string, imageDigit: string): Version => ({
    ...stage(`RESOURCES disk=${disk}`, "RUN x"),
    imageDigit,
  });
  expect(await reasons(version("4G", "a"), version("8G", "b"))).toEqual({
    "RUN x": [
      `the base image changed from sha256:${"a".repeat(64)} to sha256:${"b".repeat(64)}`,
      "the disk's size changed from 4096 MiB to 8192 MiB",
    ],
  });
});

test("the stage that a COPY reads", async () => {
  const version = (line: string): Version => ({
    text: `FROM a AS build\nRUN ${line}\nFROM b\nCOPY --from=build /x /x\n`,
  });
  expect(await reasons(version("make"), version("make all"))).toEqual({
    "RUN make all": ["the instruction changed; it was RUN make"],
    "COPY --from=build /x /x": ["stage build, which it copies from, changed"],
  });
});

test("the last step of a stage is the parent of the first step of the next", async () => {
  const version = (line: string): Version => ({ text: `FROM a AS base\nRUN ${line}\nFROM base\nRUN x\n` });
  const sentences = await reasons(version("make"), version("make all"));
  expect(sentences["RUN x"]).toEqual(["the step before it changed: RUN make all"]);
});

test("a record of another format or a damaged one only says that something changed", async () => {
  const [now] = await recorded(stage("RUN x"));
  const [old] = await recorded(stage("RUN y"));
  if (now === undefined || old === undefined) throw new Error("no steps");
  for (const record of ["", "{}", '{"format":0}', now.record.replace('"format":1', '"format":2')]) {
    expect(explainChange({ ...old, record }, now)).toEqual([
      { kind: "instruction-changed", before: "RUN y", after: "RUN x" },
    ]);
  }
});

test("every key that differs has a reason", async () => {
  const versions: readonly Version[] = [
    stage("RUN x"),
    stage("RUN --network=none x"),
    stage('RUN ["x"]'),
    stage("COPY src /x/"),
    stage("COPY --chown=1 src /x/"),
    stage("COPY --chmod=755 src /x/"),
    { ...stage("COPY src /x/"), files: { a: "1" } },
    stage("WORKDIR /w"),
    stage("WORKDIR /v"),
    stage("COPY --from=b /x /x"),
    stage("COPY --from=b /y /x"),
    { ...stage("RUN x"), imageDigit: "b" },
  ];
  for (const before of versions) {
    for (const after of versions) {
      const [old] = await recorded(before);
      const [now] = await recorded(after);
      if (old === undefined || now === undefined) throw new Error("no steps");
      expect(explainChange(old, now).length > 0).toBe(old.key !== now.key);
    }
  }
});

test("what changed of a mount is told by its target", async () => {
  const run = (mounts: string) => stage(`RUN --title=Build ${mounts} make`);
  const change = async (before: string, after: string) => (await reasons(run(before), run(after))).Build;
  const cache = "--mount=type=cache,target=/c";
  expect(await change("", cache)).toEqual(["a mount at /c was added"]);
  expect(await change(cache, "")).toEqual(["the mount at /c was removed"]);
  expect(await change(cache, `${cache},sharing=locked`)).toEqual(["the mount at /c changed"]);
  expect(await change("--mount=type=secret,id=s,env=A", "--mount=type=secret,id=t,env=A")).toEqual([
    "the mount at $A changed",
  ]);
});

test("files of the context that a mount shows are named, a stage that it shows by the mount", async () => {
  const bind = stage("RUN --mount=type=bind,target=/s,source=src make");
  expect(await reasons({ ...bind, files: { a: "1" } }, { ...bind, files: { a: "2" } })).toEqual({
    "RUN --mount=type=bind,target=/s,source=src make": ["file src/a changed"],
  });
  const fromStage = (line: string) => ({
    text: `FROM a AS t\nRUN ${line}\nFROM b\nRUN --title=Build --mount=from=t,target=/t x\n`,
  });
  expect((await reasons(fromStage("one"), fromStage("two"))).Build).toEqual([
    "what is mounted at /t changed",
  ]);
});

test("a changed network is told as it was and is", async () => {
  const run = (network: string) => stage(`RUN --title=Build --network=${network} make`);
  expect((await reasons(run("none"), run("a.org,b.org"))).Build).toEqual([
    "the network changed from none to a.org, b.org",
  ]);
});

test("a step with --no-cache says that it runs in every bake", async () => {
  const run = stage("RUN --no-cache make");
  expect(await reasons({ ...run, freshness: "1" }, { ...run, freshness: "2" })).toEqual({
    "RUN --no-cache make": ["--no-cache makes it run in every bake"],
  });
});

test("a file of the web and a repository that moved are told as what they are", () => {
  const step = (file: string, commit: string): RecordedStep => ({
    stage: "0",
    title: "ADD x",
    key: layerKey(file.repeat(32)),
    record: JSON.stringify({
      format: 1,
      parent: { image: "sha256:1", diskSizeMib: 1 },
      operation: {
        kind: "copy",
        source: { selection: file },
        destination: "/x",
        destinationIsDirectory: true,
        owner: null,
        mode: null,
        directories: [],
      },
    }),
    parentTitle: null,
    sourceStage: null,
    variables: {},
    files: [
      { path: "https://example.org/tool", digest: file },
      { path: "https://example.org/a.git/README", digest: file },
    ],
    commits: { "https://example.org/a.git": commit },
  });
  expect(describeChanges(explainChange(step("1", "a".repeat(40)), step("2", "b".repeat(40))))).toEqual([
    "https://example.org/a.git moved from commit aaaaaaaaaaaa to bbbbbbbbbbbb",
    "https://example.org/tool sends another file",
  ]);
});
