import { describe, expect, test } from "vitest";
import { loadHasher } from "../../../src/graph/keys/hash.ts";
import { keyRecordFormat } from "../../../src/graph/keys/key-record.ts";
import { contentDigest } from "../../../src/model/identifiers.ts";
import type { ContextEntry, ContextSource } from "../../../src/model/step-operation.ts";
import { keyedPlanOf, keysOf, type PlanTestOptions } from "../../support/planned.ts";

const hasher = await loadHasher();

const file = (path: string, digit: string, mode = 0o644): ContextEntry => ({
  kind: "file",
  path,
  mode,
  sizeBytes: 1,
  digest: contentDigest(digit.repeat(32)),
});
const directory = (...entries: readonly ContextEntry[]): readonly ContextSource[] => [
  {
    written: "src",
    kind: "directory",
    name: "src",
    entries: [{ kind: "directory", path: "", mode: 0o755 }, ...entries],
  },
];

const text = `# a comment
ARG TAG=12
FROM debian:$TAG AS build
ARG MODE=release
ENV LEVEL=3
WORKDIR /src
RUN prepare
COPY src $MODE/
RUN make \\
    all
FROM debian:12
LABEL version=1
RUN --network=none mkdir /app
COPY --from=build /src/app /app/
USER app
RUN check
CMD ["app"]
`;
const all = ["build/1", "build/2", "build/3", "1/1", "1/2", "1/3"];
const sources = directory(file("a.c", "1"), file("b.c", "2"));

interface Edit {
  readonly replace?: readonly [string, string];
  readonly options?: PlanTestOptions;
  readonly sources?: readonly ContextSource[];
}

async function changedBy({ replace, options = {}, sources: others }: Edit): Promise<readonly string[]> {
  const before = await keysOf(text, { sources });
  const edited = replace === undefined ? text : text.replace(...replace);
  if (replace !== undefined && edited === text) throw new Error(`nothing to replace: ${replace[0]}`);
  const after = await keysOf(edited, { ...options, sources: others ?? sources });
  return Object.keys(after).filter((id) => before[id] !== after[id]);
}

test("the plan has the steps that the table speaks of", async () => {
  expect(Object.keys(await keysOf(text, { sources }))).toEqual(all);
});

test.each<[string, Edit, readonly string[]]>([
  ["nothing", {}, []],
  ["a comment", { replace: ["# a comment", "# another comment"] }, []],
  ["blank lines", { replace: ["USER app", "\n\nUSER app"] }, []],
  ["case of a keyword", { replace: ["USER app", "user app"] }, []],
  ["a LABEL", { replace: ["version=1", "version=2"] }, []],
  ["the CMD", { replace: ['["app"]', '["app", "-v"]'] }, []],
  ["a SNAPSHOT", { replace: ["CMD", "SNAPSHOT web\nCMD"] }, []],
  ["EXPOSE, VOLUME and STOPSIGNAL", { replace: ["CMD", "EXPOSE 80\nVOLUME /v\nSTOPSIGNAL INT\nCMD"] }, []],
  ["cpus and memory", { replace: ["USER app", "RESOURCES cpus=4 memory=4G\nUSER app"] }, []],
  ["an unused global ARG", { replace: ["ARG TAG", "ARG UNUSED=1\nARG TAG"] }, []],
  ["a tag with the same digest", { options: { buildArguments: { TAG: "13" } } }, []],
  ["the image's digest", { options: { imageDigit: "b" } }, all],
  ["an image's LABEL", { options: { configuration: { labels: { a: "b" } } } }, []],
  ["an image's ENV", { options: { configuration: { environment: { PATH: "/bin" } } } }, all],
  [
    "the first stage's disk",
    { replace: ["ARG MODE", "RESOURCES disk=4G\nARG MODE"] },
    ["build/1", "build/2", "build/3", "1/2", "1/3"],
  ],
  ["the last stage's disk", { replace: ["USER app", "RESOURCES disk=4G\nUSER app"] }, ["1/1", "1/2", "1/3"]],
  [
    "the first RUN",
    { replace: ["RUN prepare", "RUN prepare -v"] },
    ["build/1", "build/2", "build/3", "1/2", "1/3"],
  ],
  ["white space in a RUN", { replace: ["RUN check", "RUN  check now"] }, ["1/3"]],
  ["a continuation's indentation", { replace: ["    all", "  all"] }, ["build/3", "1/2", "1/3"]],
  ["exec form", { replace: ["RUN check", 'RUN ["check"]'] }, ["1/3"]],
  [
    "an ENV that later RUNs read",
    { replace: ["LEVEL=3", "LEVEL=4"] },
    ["build/1", "build/2", "build/3", "1/2", "1/3"],
  ],
  [
    "an ENV before a COPY that does not read it",
    { replace: ["COPY src", "ENV NEW=1\nCOPY src"] },
    ["build/3", "1/2", "1/3"],
  ],
  [
    "an ARG that a COPY reads",
    { options: { buildArguments: { MODE: "debug" } } },
    ["build/1", "build/2", "build/3", "1/2", "1/3"],
  ],
  ["an ARG given its default", { options: { buildArguments: { MODE: "release" } } }, []],
  ["an undeclared proxy", { options: { buildArguments: { HTTP_PROXY: "http://proxy:1" } } }, []],
  [
    "a proxy that is declared",
    { replace: ["ARG MODE", "ARG HTTP_PROXY=http://proxy:1\nARG MODE"] },
    ["build/1", "build/2", "build/3", "1/2", "1/3"],
  ],
  ["the USER of a later RUN", { replace: ["USER app", "USER web"] }, ["1/3"]],
  [
    "the WORKDIR",
    { replace: ["WORKDIR /src", "WORKDIR /work"] },
    ["build/1", "build/2", "build/3", "1/2", "1/3"],
  ],
  ["the SHELL", { replace: ["USER app", 'SHELL ["/bin/bash", "-c"]\nUSER app'] }, ["1/3"]],
  ["the network", { replace: ["RUN check", "RUN --network=none check"] }, ["1/3"]],
  ["a COPY's owner", { replace: ["COPY src", "COPY --chown=app src"] }, ["build/2", "build/3", "1/2", "1/3"]],
  ["a COPY's mode", { replace: ["COPY src", "COPY --chmod=u+x src"] }, ["build/2", "build/3", "1/2", "1/3"]],
  ["a COPY's destination", { replace: ["/src/app /app/", "/src/app /app/x/"] }, ["1/2", "1/3"]],
  ["a COPY's paths in a stage", { replace: ["/src/app /app/", "/src/lib /app/"] }, ["1/2", "1/3"]],
  [
    "a file's content",
    { sources: directory(file("a.c", "3"), file("b.c", "2")) },
    ["build/2", "build/3", "1/2", "1/3"],
  ],
  [
    "a file's executable bit",
    { sources: directory(file("a.c", "1", 0o755), file("b.c", "2")) },
    ["build/2", "build/3", "1/2", "1/3"],
  ],
  [
    "a file's name",
    { sources: directory(file("a.c", "1"), file("c.c", "2")) },
    ["build/2", "build/3", "1/2", "1/3"],
  ],
  [
    "a file more",
    { sources: directory(file("a.c", "1"), file("b.c", "2"), file("c.c", "3")) },
    ["build/2", "build/3", "1/2", "1/3"],
  ],
  [
    "a link's target",
    { sources: directory({ kind: "symlink", path: "a.c", target: "b.c" }, file("b.c", "2")) },
    ["build/2", "build/3", "1/2", "1/3"],
  ],
  [
    "an empty directory more",
    { sources: directory(file("a.c", "1"), file("b.c", "2"), { kind: "directory", path: "d", mode: 0o755 }) },
    ["build/2", "build/3", "1/2", "1/3"],
  ],
  [
    "how a directory source is written",
    { sources: sources.map((source) => ({ ...source, written: "./src/", name: "other" })) },
    [],
  ],
])("editing %s changes exactly the keys it should", async (_title, edit, expected) => {
  expect(await changedBy(edit)).toEqual(expected);
});

const steps = [
  "RUN --mount=type=cache,target=/c --mount=type=secret,id=s --mount=type=bind,target=/src,source=src one",
  "RUN --mount=type=bind,from=tools,target=/t --mount=type=tmpfs,target=/m --mount=type=ssh two",
  "RUN --network=a.org,b.org --timeout=1m --retry=2 --title=Three three",
  "ENV --from-output --timeout=3m --network=c.org REV git rev-parse HEAD",
  "RUN --mount=type=volume,source=v,target=/v four",
  "COPY --from=tools --exclude=*.md /x /y",
];
const flagText = (lines: readonly string[] = steps) =>
  `FROM a AS tools\nRUN make\nFROM b\n${lines.join("\n")}\n`;
const own = ["1/1", "1/2", "1/3", "1/4", "1/5", "1/6"];
const from = (first: number) => own.slice(first - 1);

test.each<[string, readonly [string, string] | null, readonly string[]]>([
  ["nothing", null, []],
  ["the target of a mount", ["target=/c", "target=/d"], from(1)],
  ["the id of a cache", ["target=/c", "target=/c,id=other"], from(1)],
  ["the id that a cache has anyway", ["target=/c", "target=/c,id=/c"], []],
  ["how a field is called", ["target=/c", "dst=/c"], []],
  ["the order of fields", ["type=cache,target=/c", "target=/c,type=cache"], []],
  ["how a cache is shared", ["target=/c", "target=/c,sharing=locked"], from(1)],
  ["the mode of a cache", ["target=/c", "target=/c,mode=0700"], from(1)],
  ["the id of a secret", ["id=s", "id=t"], from(1)],
  ["whether a secret is required", ["id=s", "id=s,required"], from(1)],
  ["the variable of a secret", ["id=s", "id=s,env=S"], from(1)],
  ["whether a bind can be written to", ["source=src", "source=src,rw"], from(1)],
  ["a mount less", [" --mount=type=secret,id=s", ""], from(1)],
  ["the stage that a mount shows", ["RUN make", "RUN make more"], ["tools/1", ...from(2)]],
  ["the path in the stage that a mount shows", ["from=tools,target", "from=tools,source=/x,target"], from(2)],
  ["the size of a tmpfs", ["target=/m", "target=/m,size=1m"], from(2)],
  ["the id of an ssh agent", ["type=ssh", "type=ssh,id=deploy"], from(2)],
  ["the hosts of a network", ["a.org,b.org", "a.org"], from(3)],
  ["the order of the hosts", ["a.org,b.org", "b.org,a.org"], []],
  ["a timeout", ["--timeout=1m", "--timeout=2m"], []],
  ["retries", ["--retry=2", "--retry=3"], []],
  ["a title", ["--title=Three", "--title=Drei"], []],
  ["the variable of an output", ["REV git", "REF git"], from(4)],
  ["the command of an output", ["rev-parse HEAD", "rev-parse main"], from(4)],
  ["the hosts of an output's command", ["c.org", "d.org"], from(4)],
  ["the timeout of an output's command", ["--timeout=3m", "--timeout=4m"], []],
  ["the name of a volume", ["source=v", "source=w"], from(5)],
  ["an exclude", ["--exclude=*.md", "--exclude=*.txt"], from(6)],
  ["--parents", ["--exclude=*.md", "--exclude=*.md --parents"], from(6)],
  ["--if-exists", ["--exclude=*.md", "--exclude=*.md --if-exists"], from(6)],
  ["a TEST", ["ENV --from-output", "TEST true\nENV --from-output"], []],
  ["a HEALTHCHECK", ["ENV --from-output", "HEALTHCHECK CMD true\nENV --from-output"], []],
  ["an ONBUILD", ["ENV --from-output", "ONBUILD RUN x\nENV --from-output"], []],
])("editing %s of a step's flags changes exactly the keys it should", async (_title, replace, expected) => {
  const edited = replace === null ? flagText() : flagText().replace(...replace);
  if (replace !== null && edited === flagText()) throw new Error(`nothing to replace: ${replace[0]}`);
  const before = await keysOf(flagText(), { sources });
  const after = await keysOf(edited, { sources });
  expect(Object.keys(after).filter((id) => before[id] !== after[id])).toEqual(expected);
});

test("the content that a mount shows of the context is in the key", async () => {
  const before = await keysOf(flagText(), { sources });
  const after = await keysOf(flagText(), { sources: directory(file("a.c", "9")) });
  expect(Object.keys(after).filter((id) => before[id] !== after[id])).toEqual(own);
});

test("a step with --no-cache has another key in every bake, and so has all that stands on it", async () => {
  const text = "FROM a\nRUN one\nRUN --no-cache two\nRUN three\n";
  const first = await keysOf(text, { freshness: "first" });
  const second = await keysOf(text, { freshness: "second" });
  expect(first["0/1"]).toBe(second["0/1"]);
  expect(first["0/2"]).not.toBe(second["0/2"]);
  expect(first["0/3"]).not.toBe(second["0/3"]);
});

test("an archive is another thing than the file that it is", async () => {
  const keyWith = async (kind: "file" | "archive") => {
    const source: ContextSource = { written: "a", kind, name: "a", entries: [file("", "1")] };
    return (await keysOf("FROM a\nADD a /x/\n", { sources: [source] }))["0/1"];
  };
  expect(await keyWith("file")).not.toBe(await keyWith("archive"));
});

test("a directory on the way is another thing than one that is copied; a commit's name is in no key", async () => {
  const keyWith = async (more: object, commit?: string) => {
    const entry: ContextEntry = { kind: "directory", path: "d", mode: 0o755, ...more };
    const source: ContextSource = {
      written: "a",
      kind: "directory",
      name: "a",
      entries: [entry],
      ...(commit === undefined ? {} : { commit }),
    };
    return (await keysOf("FROM a\nCOPY a /x/\n", { sources: [source] }))["0/1"];
  };
  expect(await keyWith({})).not.toBe(await keyWith({ isImplied: true }));
  expect(await keyWith({}, "abc")).toBe(await keyWith({}, "def"));
});

describe("the key of a TEST", () => {
  const testKeys = async (text: string) =>
    (await keyedPlanOf(text)).stages.flatMap((stage) => stage.tests.map((one) => one.key));
  const base = "FROM a\nRUN make\nENV A=1\nUSER app\nTEST check\n";

  test.each([
    ["the result", "RUN make", "RUN make more"],
    ["the command", "TEST check", "TEST check -v"],
    ["the environment", "A=1", "A=2"],
    ["the user", "USER app", "USER web"],
    ["the directory", "USER app", "USER app\nWORKDIR /w"],
    ["the network", "TEST check", "TEST --network=none check"],
  ])("has %s in it", async (_what, before, after) => {
    expect(await testKeys(base.replace(before, after))).not.toEqual(await testKeys(base));
  });

  test.each([
    ["timeout", "TEST --timeout=5s check"],
    ["title", "TEST --title=It check"],
  ])("has no %s in it", async (_what, after) => {
    expect(await testKeys(base.replace("TEST check", after))).toEqual(await testKeys(base));
  });
});

test("a stage's name is in no key", async () => {
  const before = Object.values(await keysOf(text, { sources }));
  expect(Object.values(await keysOf(text.replaceAll("build", "compile"), { sources }))).toEqual(before);
});

test("with an octal --chmod the modes of the host's files do not count, with a symbolic one they do", async () => {
  const keyWith = async (chmod: string, mode: number) =>
    (await keysOf(`FROM a\nCOPY --chmod=${chmod} src /x/\n`, { sources: directory(file("a", "1", mode)) }))[
      "0/1"
    ];
  expect(await keyWith("755", 0o644)).toBe(await keyWith("755", 0o755));
  expect(await keyWith("u=rwX", 0o644)).not.toBe(await keyWith("u=rwX", 0o755));
});

test("the name of a single file counts: it may become the name in the guest", async () => {
  const source = (name: string): readonly ContextSource[] => [
    { written: name, kind: "file", name, entries: [file("", "1")] },
  ];
  const keyWith = async (name: string) =>
    (await keysOf("FROM a\nCOPY * /x/\n", { sources: source(name) }))["0/1"];
  expect(await keyWith("one")).not.toBe(await keyWith("two"));
});

test("the order of sources counts: the later one wins", async () => {
  const [one] = directory(file("a", "1"));
  const [two] = directory(file("a", "2"));
  if (one === undefined || two === undefined) throw new Error("no sources");
  const keyWith = async (both: readonly ContextSource[]) =>
    (await keysOf("FROM a\nCOPY * /x/\n", { sources: both }))["0/1"];
  expect(await keyWith([one, two])).not.toBe(await keyWith([two, one]));
});

test("equal steps on equal parents have one key, whichever stage they stand in", async () => {
  const keys = await keysOf("FROM a AS one\nRUN x\nFROM a AS two\nRUN x\nFROM one\nCOPY --from=two / /y/\n");
  expect(keys["one/1"]).toBe(keys["two/1"]);
});

test("copying from a stage that is its bare image is copying from the image", async () => {
  const fromStage = await keysOf("FROM a AS one\nFROM b\nCOPY --from=one /x /y\n");
  const fromImage = await keysOf("FROM b\nCOPY --from=a /x /y\n");
  expect(fromStage["1/1"]).toBe(fromImage["0/1"]);
});

test("an undeclared proxy reaches the command all the same", async () => {
  const options = { buildArguments: { https_proxy: "http://proxy:1" } };
  const keyed = await keyedPlanOf("FROM a\nRUN x\n", options);
  const step = keyed.stages[0]?.steps[0];
  expect(step?.operation).toMatchObject({ environment: { https_proxy: "http://proxy:1" } });
  expect(step?.record).not.toContain("proxy");
});

test("the record is canonical JSON with everything that was hashed", async () => {
  const keyed = await keyedPlanOf(
    'FROM a\nENV B=1\nENV A=2\nWORKDIR /w\nRUN x "é"\nCOPY --chown=u:g --chmod=644 src /x/\n',
    { sources: [], configuration: { environment: { PATH: "/bin" } } },
  );
  const [run, copy] = keyed.stages[0]?.steps ?? [];
  expect(run?.record).toBe(
    '{"format":1,"operation":{"command":{"argv":["/bin/sh","-c","x \\"é\\""]},' +
      '"directories":[{"path":"/w","user":"root"}],"environment":{"A":"2","B":"1","PATH":"/bin"},' +
      '"kind":"run","network":"default","user":"root","workingDirectory":"/w"},' +
      `"parent":{"diskSizeMib":8192,"image":"sha256:${"a".repeat(64)}"}}`,
  );
  expect(copy?.record).toBe(
    '{"format":1,"operation":{"destination":"/x","destinationIsDirectory":true,"directories":[],"kind":"copy",' +
      '"mode":{"octal":420},"owner":{"group":"g","user":"u"},' +
      `"source":{"selection":"${hasher.hashText("")}"}},` +
      `"parent":{"layer":"${run?.key}"}}`,
  );
});

test("keys stay what they are from version to version: a change here raises the record's format", async () => {
  expect([keyRecordFormat, await keysOf(text, { sources })]).toMatchInlineSnapshot(`
    [
      1,
      {
        "1/1": "26c4635b7ffef1f17a1fc25337667440",
        "1/2": "faf653f4c97da7fe7a91ec546c8a9f80",
        "1/3": "96ad390a05316b12f623cf5571790786",
        "build/1": "110e11c538ca7d402fcfa45aa91cdfa2",
        "build/2": "1ad55c606fb27e6005ce540f3f610620",
        "build/3": "8aa57afa8e6875ed5c4f52f39923b814",
      },
    ]
  `);
});

test("stages know what they need", async () => {
  const keyed = await keyedPlanOf(
    "FROM a AS one\nRUN x\nFROM one AS two\nFROM b AS three\nRUN y\nFROM two\nCOPY --from=three /x /y\nCOPY --from=one /x /z\n",
  );
  const [one, two, , last] = keyed.stages;
  expect(keyed.stages.map((stage) => stage.needs)).toEqual([[], [0], [], [0, 1, 2]]);
  expect(two).toMatchObject({ parent: one?.lastLayer, lastLayer: one?.lastLayer });
  expect(last?.parent).toBe(one?.steps[0]?.key);
  expect(last?.lastLayer).toBe(last?.steps[1]?.key);
});
