import { expect, test } from "vitest";
import { draftStages } from "../../../src/graph/draft-stages.ts";
import { Program } from "../../../src/graph/link/program.ts";
import { errorRanges } from "../../../src/graph/parse-mistakes.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { inStage, mistakesIn, planText, shown } from "../../support/planned.ts";

test.each([
  ["USER a b", "error"],
  ['USER "a b"', 'error InvalidUser 2:6 "a b" | "a b" is no user'],
  ["USER $NOBODY", 'error InvalidUser 2:6 $NOBODY | "" is no user'],
  ['WORKDIR ""', 'error BlankPath 2:9 "" | WORKDIR needs a path, and this one is empty'],
  ["SNAPSHOT -web", 'error InvalidSnapshotName 2:10 -web | "-web" cannot name a snapshot'],
  ["SNAPSHOT a//b", "error InvalidSnapshotName"],
  ["SNAPSHOT a/../b", "error InvalidSnapshotName"],
  [`SNAPSHOT ${"x".repeat(65)}`, "error InvalidSnapshotName"],
  [
    "RESOURCES cpus=0",
    "error InvalidResource 2:16 0 | cpus=0 cannot be | cpus takes a whole number, from 1 to 255",
  ],
  ["RESOURCES cpus=1.5", "error InvalidResource 2:16 1.5"],
  [
    "RESOURCES memory=512",
    "error InvalidResource 2:18 512 | memory=512 cannot be | memory takes a whole number with M, G or T",
  ],
  ["RESOURCES memory=1M", "error InvalidResource 2:18 1M"],
  ["RESOURCES disk=100T", "error InvalidResource 2:16 100T"],
  ["EXPOSE 99999", 'error InvalidPort 2:8 99999 | "99999" is no port'],
  ["EXPOSE 20-10", "error InvalidPort"],
  ["EXPOSE http", "error InvalidPort"],
  ["EXPOSE 127.0.0.1:80:80", "warning ExposeInvalidFormat 2:8 127.0.0.1:80:80"],
  ["STOPSIGNAL SIGWHAT", 'error InvalidSignal 2:12 SIGWHAT | "SIGWHAT" is no signal'],
  ["STOPSIGNAL 65", "error InvalidSignal"],
  ["MAINTAINER me", "warning NoEffect 2:1 MAINTAINER"],
  ["VOLUME /data", "warning NoEffect 2:1 VOLUME | VOLUME is recorded, and no volume is made for it"],
  ["ONBUILD SNAPSHOT x", "error OnbuildNotAllowed 2:9 SNAPSHOT"],
  ["ONBUILD TEST x", "error OnbuildNotAllowed 2:9 TEST"],
  ["ONBUILD RESOURCES cpus=1", "error OnbuildNotAllowed 2:9 RESOURCES"],
  [
    "HEALTHCHECK --interval=5 CMD true",
    "error InvalidDuration 2:13 --interval=5 | --interval=5 is no time | a number needs a unit: --interval=5s",
  ],
  ["HEALTHCHECK --retries=-1 CMD true", "error InvalidCount 2:13 --retries=-1"],
  ["HEALTHCHECK --interval=-1s CMD true", "error InvalidDuration"],
  [
    "HEALTHCHECK --interval=999us CMD true",
    "error InvalidDuration 2:13 --interval=999us | --interval=999us is no time | the shortest time is --interval=1ms",
  ],
  [
    "RUN --timeout=0 x",
    "error InvalidDuration 2:5 --timeout=0 | --timeout=0 is no time | take the flag out: without --timeout there is no limit",
  ],
  ["HEALTHCHECK --timeout=1s NONE", "error InvalidHealthcheck 2:13 --timeout=1s"],
  ["RUN --security=insecure x", "warning NoEffect 2:5 --security=insecure"],
  ["RUN --security=unsafe x", "error NotSupportedYet 2:5 --security=unsafe"],
  ["ENV A=$MISPELT", "warning UndefinedVar 2:7 $MISPELT | nothing sets $MISPELT here, so it is empty"],
  ["ENV A=$" + "{A", "error BadSubstitution 2:7"],
  ["ENV A=x$" + "{B:?no-B}", "error RequiredVariable 2:8"],
])("%s: %s", (line, expected) => {
  const mistakes = mistakesIn(inStage(line)).filter(
    (mistake) => expected.includes("UndefinedVar") || !mistake.includes("UndefinedVar"),
  );
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).toContain(expected);
});

test("a misspelt variable is answered with the nearest one", () => {
  expect(mistakesIn(inStage("ARG VERSION=1", 'LABEL v="$VERSOIN"'))).toEqual([
    "warning UndefinedVar 3:10 $VERSOIN | nothing sets $VERSOIN here, so it is empty | did you mean VERSION?",
  ]);
});

test("a misspelt FROM at the end does not hide the mistakes before it", () => {
  const text = "FROM debian:12\nSTOPSIGNAL foo\nFROM debian:12\nEXPOSE x\nFRM x\nSTOPSIGNAL bar\n";
  expect(mistakesIn(text).map((mistake) => mistake.split(" ")[1])).toEqual([
    "UnknownInstruction",
    "InvalidSignal",
    "InvalidSignal",
    "InvalidPort",
  ]);
});

test("an unknown target is answered with the nearest stage, or with all of them", () => {
  const text = "FROM a AS build\nFROM b AS test\n";
  expect(mistakesIn(text, { target: "biuld" })).toEqual([
    expect.stringContaining("error UnknownTarget 1:1  | no stage is named biuld | did you mean build?"),
  ]);
  expect(mistakesIn(text, { target: "production" })).toEqual([
    expect.stringContaining("stages: build, test"),
  ]);
  expect(mistakesIn(text, { target: "2" })).toEqual([expect.stringContaining("no stage is named 2")]);
  expect(mistakesIn("FROM a\n", { target: "x" })).toEqual([
    expect.stringContaining("the file names no stage"),
  ]);
});

test("a base that expands to nothing is located, and tells of the ARG", () => {
  expect(mistakesIn("ARG BASE\nFROM $BASE\n")).toEqual([
    "error BlankBase 2:6 $BASE | the base of this stage is empty: $BASE | give the argument a default before the first FROM, or set it with --build-arg",
  ]);
  expect(mistakesIn("ARG BASE\nFROM $BASE\n", { buildArguments: { BASE: "a" } })).toEqual([]);
  expect(mistakesIn("ARG BASE=a\nFROM $BASEE\n")[0]).toBe(
    "warning UndefinedArgInFrom 2:6 $BASEE | nothing sets $BASEE here, so it is empty | did you mean BASE?",
  );
});

test("a stage may begin with nothing, and an image named scratch is none", () => {
  expect(mistakesIn("FROM scratch\nCOPY --from=a:1 /x /x\n")).toEqual([]);
  expect(mistakesIn("FROM scratch AS a\nFROM a\nCOPY --from=a /x /x\n")).toEqual([]);
});

test("a name that a later stage has is taken for an image, with a warning", () => {
  expect(mistakesIn("FROM two AS one\nFROM one\nFROM one AS two\n")).toEqual([
    expect.stringContaining("warning StageTakenForImage 1:6 two | two is taken for an image here"),
  ]);
  expect(mistakesIn("FROM node AS node\n")).toEqual([]);
});

test("two stages of one name are warned of, and the later one counts", () => {
  const { plan, diagnostics } = planText("FROM a AS x\nFROM b AS X\nFROM x\n");
  expect(shown(diagnostics)).toEqual([expect.stringContaining("warning DuplicateStageName 2:11 X")]);
  expect(plan?.stages.map((stage) => stage.index)).toEqual([1, 2]);
});

test("a stage's disk cannot differ from the disk of the stage that it is FROM", () => {
  const text = (disk: string) => `FROM a AS one\nRESOURCES disk=4G\nFROM one\nRESOURCES disk=${disk}\n`;
  expect(mistakesIn(text("4096M"))).toEqual([]);
  expect(mistakesIn(text("8G"))).toEqual([
    expect.stringContaining("error DiskSizeFixed 4:16 8G | this stage stands on another one's disk"),
  ]);
});

test("FROM --platform is accepted when it is the platform of the bake", () => {
  expect(mistakesIn("FROM --platform=$TARGETPLATFORM a\n")).toEqual([]);
  expect(mistakesIn("FROM --platform=linux/arm64 a\n")).toEqual([
    expect.stringContaining("error NotSupportedYet 1:6 --platform=linux/arm64"),
  ]);
});

test("a build argument that no ARG declares is warned of, with the nearest name", () => {
  const mistakes = (name: string) => mistakesIn("FROM a\nARG VERSION\n", { buildArguments: { [name]: "1" } });
  expect(mistakes("VERSOIN")).toEqual([
    expect.stringContaining(
      "warning UndeclaredBuildArgument 1:1  | no ARG declares the build argument VERSOIN | did you mean VERSION?",
    ),
  ]);
  for (const known of ["VERSION", "HTTP_PROXY", "no_proxy", "TARGETARCH"])
    expect(mistakes(known)).toEqual([]);
});

test("all mistakes of the needed stages are reported in one run", () => {
  const codes = planText(
    inStage("USER $A:", "ONBUILD TEST x", "EXPOSE no", "COPY --chmod=9 a b"),
  ).diagnostics.map((diagnostic) => diagnostic.code);
  expect(codes).toEqual(["UndefinedVar", "InvalidUser", "OnbuildNotAllowed", "InvalidPort", "InvalidMode"]);
});

test("a file of mixins alone has nothing to bake", () => {
  expect(mistakesIn("ARG A\nMIXIN m\nRUN x\n")).toEqual([
    expect.stringContaining("error NoStage 2:1 MIXIN | the file has mixins and no stage to bake"),
  ]);
});

test("of all stages, those that no bake reads may stand on what no machine here can start from", () => {
  const text =
    "FROM mcr.microsoft.com/windows/nanoserver:1 AS files\nFROM --platform=linux/arm64 a:1\nFROM a:1\n";
  const severities = (lightfile: string) => {
    const { value: tree, diagnostics } = parseLightfile({ path: "Lightfile", text: lightfile });
    const context = { directory: "/project", lightfilePath: null };
    const parseErrors = errorRanges(diagnostics);
    const program = new Program({ identity: "Lightfile", tree, context, parseErrors }, {});
    const options = { buildArguments: {}, target: null, platform: "linux/amd64", everyStage: true };
    return draftStages(program, options, null).diagnostics.map(({ severity, code }) => `${severity} ${code}`);
  };
  expect(severities(text)).toEqual(["warning UnsupportedBase", "warning NotSupportedYet"]);
  expect(severities(`${text}COPY --from=files / /\n`)).toEqual([
    "error UnsupportedBase",
    "warning NotSupportedYet",
  ]);
  const mixin = "MIXIN m\nRUN --security=unsafe x\nFROM a:1 AS early\nUSE m\nFROM a:1\n";
  expect(severities(mixin)).toEqual(["warning NotSupportedYet"]);
  expect(severities(`${mixin}USE m\n`)).toEqual(["error NotSupportedYet"]);
});

test.each([
  ["?ref=v1&subdir=a&depth=1", "https://host.test/x.git#v1:a"],
  ["?tag=v2&branch=v2", "https://host.test/x.git#v2"],
  ["?ref=v1&ref=v2", "https://host.test/x.git#v1"],
  ["?ref=", "https://host.test/x.git"],
  ["?ref=v1&keep-git-dir=maybe", "https://host.test/x.git#v1"],
  ["?keep=1#main", "https://host.test/x.git#main"],
])("a repository with a query, which is fetched as a file, is told of: %s", (query, hint) => {
  expect(mistakesIn(inStage(`ADD https://host.test/x.git${query} /z`))).toEqual([
    expect.stringMatching(
      new RegExp(`^warning RepositoryTakenForFile 2:5 .* \\| a git repository is named without it: ${hint}$`),
    ),
  ]);
  expect(mistakesIn(inStage("ADD https://host.test/x.git.tar?ref=v1 /z"))).toEqual([]);
});

test.each([
  "mcr.microsoft.com/windows/servercore:ltsc2022",
  "mcr.microsoft.com/dotnet/framework/sdk:4.8",
  "golang:1.27-nanoserver-ltsc2025",
  "microsoft/nanoserver",
])("%s holds Windows, which no sandbox runs", (image) => {
  expect(mistakesIn(`FROM ${image}\n`)).toEqual([
    `error UnsupportedBase 1:6 ${image} | ${image} holds Windows, and sandboxes run Linux | start from a Linux image that has what the stage needs`,
  ]);
});

test.each(["mcr.microsoft.com/dotnet/sdk:10.0", "example.org/nano:1", "windows-exporter:2"])(
  "%s holds no Windows",
  (image) => {
    expect(mistakesIn(`FROM ${image}\n`)).toEqual([]);
  },
);

test("a flag that changes nothing is told of where the file has it first", () => {
  const text =
    "FROM a:1 AS b\nCOPY --link x /x\nCOPY --link y /y\nFROM b\nCOPY --link=true z /z\nADD --link z /z\n";
  expect(mistakesIn(text)).toEqual([
    expect.stringMatching(/^warning NoEffect 2:6 --link \| --link of COPY /),
    expect.stringMatching(/^warning NoEffect 6:5 --link \| --link of ADD /),
  ]);
});

test.each([
  ["RUN --security=insecure a", "--security=insecure of RUN"],
  ["ADD --keep-git-dir a /a", "--keep-git-dir of ADD"],
  ["ARG --required A=1", "--required says nothing of A"],
])("%s is told of once, however often it stands there", (line, message) => {
  const told = mistakesIn(`FROM a:1 AS b\n${line}\nFROM b\n${line}\n`);
  expect(told).toEqual([expect.stringContaining(message)]);
});

test("a mount says which field it lacks", () => {
  expect(mistakesIn(inStage("RUN --mount=type=secret x"))[0]).toContain("a mount of type secret needs an id");
  expect(mistakesIn(inStage("RUN --mount=type=cache x"))[0]).toContain(
    "a mount of type cache needs a target",
  );
});
