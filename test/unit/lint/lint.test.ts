// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are substitutions of the Lightfile language
import { describe, expect, test } from "vitest";
import { positionAt } from "../../../src/diagnostics/source-file.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { type LintOptions, lint } from "../../../src/lint/lint.ts";

/** `line:column code marked text` of each finding. */
function found(text: string, options?: LintOptions): readonly string[] {
  return lint(text, options).map(({ code, source, range }) => {
    const { line, column } = positionAt(source, range.start);
    return `${line}:${column} ${code} ${source.text.slice(range.start, range.end)}`;
  });
}

/** Findings in a stage that nothing else is said about. */
function inStage(...lines: readonly string[]): readonly string[] {
  return found(["FROM debian:12", ...lines, "SNAPSHOT app", ""].join("\n"));
}

describe("lint", () => {
  test("has the parser's diagnostics for a text, and leaves them out for a tree", () => {
    const text = "FROM debian:12\nRNU make\n";
    expect(found(text)).toEqual(["2:1 UnknownInstruction RNU"]);
    expect(lint(parseLightfile({ path: "Lightfile", text }).value)).toEqual([]);
  });

  test("has what the planner says about every stage, not only about the last", () => {
    const text = "FROM debian:12 AS a\nEXPOSE x\nSNAPSHOT a\nFROM debian:12\nSNAPSHOT b\n";
    expect(found(text)).toEqual(["2:8 InvalidPort x"]);
  });

  test("is silent about bad habits at the place of an error", () => {
    expect(inStage("CMD ['node', 'x']")).toEqual(["2:5 MalformedJsonArray ['node', 'x']"]);
  });

  test("does not judge what belongs together in a file that it could not read in full", () => {
    expect(found("FROM debian:12 AS a\nRNU x\nFROM debian:12\n")).toEqual(["2:1 UnknownInstruction RNU"]);
  });

  test("has what the planner says about a file with syntax mistakes", () => {
    const text = "FROM debian:12\nRNU y\nSTOPSIGNAL foo\nRUN --mont=x true\nENV a=${b\nEXPOSE 99999\n";
    expect(found(text)).toEqual([
      "2:1 UnknownInstruction RNU",
      "3:12 InvalidSignal foo",
      "4:5 UnknownFlag --mont",
      "5:7 BadSubstitution ${b",
      "6:8 InvalidPort 99999",
    ]);
    const planned = ["InvalidSignal", "BadSubstitution", "InvalidPort"];
    expect(lint(parseLightfile({ path: "Lightfile", text }).value).map(({ code }) => code)).toEqual(planned);
  });

  test("has what the planner says around a misspelt FROM", () => {
    const text =
      "FROM debian:12 AS a\nSTOPSIGNAL foo\nFRM debian:12 AS b\nEXPOSE x\nFROM b\nSTOPSIGNAL bar\n";
    expect(found(text)).toEqual([
      "2:12 InvalidSignal foo",
      "3:1 UnknownInstruction FRM",
      "4:8 InvalidPort x",
      "6:12 InvalidSignal bar",
    ]);
  });

  test("takes what others know about the file instead of planning it itself", () => {
    const text = "FROM debian:12\nEXPOSE x\nSNAPSHOT a\n";
    expect(found(text, { others: [] })).toEqual([]);
  });
});

describe("a comment", () => {
  test.each([
    ["above", "# lightbox-ignore CdInRun: why\nRUN cd /a && b"],
    ["above, with other comments between", "# lightbox-ignore CdInRun\n# more\nRUN cd /a && b"],
    ["inside", "RUN \\\n  # lightbox-ignore cdinrun\n  cd /a && b"],
    ["as in Dockerfiles", "# check=skip=CdInRun\nRUN cd /a && b"],
    ["for all rules", "# lightbox-ignore all: generated\nRUN cd /a && b | c"],
    ["for several rules", "# lightbox-ignore CdInRun, PipeWithoutPipefail\nRUN cd /a && b | c"],
  ])("%s leaves warnings of an instruction out", (_, lines) => {
    expect(inStage(lines)).toEqual([]);
  });

  test("says nothing about other instructions", () => {
    const lines = ["# lightbox-ignore CdInRun", "RUN cd /a && b", "RUN cd /c && d"];
    expect(inStage(...lines)).toEqual(["4:5 CdInRun cd /c"]);
  });

  test("with a blank line below it is about nothing, and is told so", () => {
    expect(inStage("# lightbox-ignore CdInRun", "", "RUN cd /a && b")).toEqual([
      "2:19 UnusedIgnore CdInRun",
      "4:5 CdInRun cd /a",
    ]);
  });

  test("does not leave errors out", () => {
    expect(inStage("# lightbox-ignore InvalidPort", "EXPOSE x")).toEqual(
      ["3:8 InvalidPort x", "2:19 UnknownRule InvalidPort"].sort(),
    );
  });

  test("at the head of the file counts for all of it", () => {
    expect(found("# check=skip=UnpinnedBase,MissingSnapshot\nFROM debian\n")).toEqual([]);
    expect(found("# check=skip=UnpinedBase\nFROM debian:1\nSNAPSHOT a\n")).toEqual([
      "1:14 UnknownRule UnpinedBase",
    ]);
    expect(lint("# check=error=true\nFROM debian\nSNAPSHOT a\n").map(({ severity }) => severity)).toEqual([
      "error",
    ]);
  });
});

describe("options", () => {
  const text = "FROM debian\nRUN cd /a && b\nSNAPSHOT a\n";

  test("leave rules out in any case", () => {
    expect(found(text, { skip: ["cdinRUN"] })).toEqual(["1:6 UnpinnedBase debian"]);
    expect(found(text, { skip: ["all"] })).toEqual([]);
  });

  test("are left out by a caller also where the file makes errors of its warnings", () => {
    const text = "# check=error=true\nFROM debian\nSNAPSHOT a\n";
    expect(lint(text).map(({ severity }) => severity)).toEqual(["error"]);
    expect(lint(text, { skip: ["UnpinnedBase"] })).toEqual([]);
  });

  test("make errors of rules", () => {
    const severities = (error: readonly string[]) => lint(text, { error }).map(({ severity }) => severity);
    expect(severities(["CdInRun"])).toEqual(["warning", "error"]);
    expect(severities(["all"])).toEqual(["error", "error"]);
  });

  test("give arguments values", () => {
    const withArgument = "ARG V\nFROM debian:${V}\nSNAPSHOT a\n";
    expect(found(withArgument)).toEqual(["2:6 InvalidDefaultArgInFrom debian:${V}"]);
    expect(found(withArgument, { buildArguments: { V: "12" } })).toEqual([]);
  });
});

describe("rules about commands", () => {
  test.each([
    ["a cd in a subshell", "RUN (cd /a && b) && c"],
    ["a cd in a script", "RUN <<EOF\ncd /a\nmake\nEOF"],
    ["a cd behind something else", "RUN a && cd /b && c"],
    ["words that are no commands", 'RUN echo "cd /a && apt-get install jq"'],
    ["comments of the shell", "RUN make # | apt-get install jq"],
    ["commands that another program reads", "RUN <<EOF\n#!/usr/bin/env python3\nsudo | b\nEOF"],
    ["an array", 'RUN ["apt-get", "install", "jq"]'],
    ["a shell of another kind", 'SHELL ["pwsh", "-Command"]\nRUN a | b'],
    ["a pipe from what cannot fail", "RUN echo x | tee /y"],
    [
      "a pipe from what lists and sorts",
      "RUN find /a -type f | sort | xargs -r dpkg-query -S | sort -u | tee /y",
    ],
    ["a pipe to what checks it", "RUN curl x | gpg --dearmor -o /y && make sums | sha256sum -c -"],
    [
      "a pipe that is asked for its status",
      "RUN if ! make list | tee /x; then a; fi; while b | c; do d; done",
    ],
    ["a pipe that may fail", "RUN a | b || true"],
    ["pipes of another kind", 'SHELL ["cmd", "/S", "/C"]\nRUN a ^| b | c'],
    [
      "a substitution with a case in it",
      "RUN curl x-$(case $(uname -m) in x86_64) echo a ;; *) echo b ;; esac).tgz -o /y",
    ],
    ["a cd to what is there for a while", 'RUN cd /tmp/a && make && cd "$(mktemp -d)" && b'],
    ["a script that is sourced", "RUN source ./install.sh && . ./more.sh"],
    ["a package manager that does not ask", "RUN microdnf install jq && microdnf clean all"],
    [
      "an installation that brings its own lists",
      "RUN apt-get install -y --update jq && rm -rf /var/lib/apt/lists/*",
    ],
    ["packages that are there already", "RUN apk add --no-network --virtual .x jq"],
    [
      "lists that go with their folder",
      "RUN apt-get update && apt-get install -y jq && rm -rf /var/lib/apt /var/cache/*",
    ],
    ["a pipe with pipefail in the script", "RUN set -o pipefail && a | b"],
    [
      "an installation with lists in a cache",
      "RUN --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y jq",
    ],
    ["an installation of a file", "RUN apt-get install -y ./a.deb && rm -rf /var/lib/apt/lists/*"],
    ["options in front", "RUN apt-get update -q && apt-get -qy install jq && rm -rf /var/lib/apt/lists/*"],
    ["the options of apk", "RUN apk add --no-cache jq"],
    [
      "a line that ends in an operator",
      "RUN apt-get update && \\\n  apt-get install -y jq && \\\n  rm -rf /var/lib/apt/lists/*",
    ],
  ])("are silent about %s", (_, lines) => {
    expect(inStage(lines)).toEqual([]);
  });

  test.each([
    ["RUN make && \\\n    apk add \\\n    jq", ["3:5 PackageListsKept apk add \\\n    jq"]],
    ["RUN <<EOF\nset -e\nyum install -y jq\nEOF", ["4:1 PackageListsKept yum install -y jq"]],
    ["RUN A=b sudo -u app make", ["2:9 SudoInRun sudo"]],
    ["RUN . /venv/bin/activate", ["2:1 RunWithoutEffect RUN . /venv/bin/activate"]],
    ["RUN sudo a && sudo b", ["2:5 SudoInRun sudo"]],
    ["RUN ! a | b && c | d", ["2:16 PipeWithoutPipefail c"]],
    ["RUN if a; then b | c; fi", ["2:16 PipeWithoutPipefail b"]],
    ["RUN make a | xargs -n 1 make", ["2:5 PipeWithoutPipefail make a"]],
    ["RUN apt update && apt install -y jq && rm -rf /var/lib/apt/lists/*", ["2:5 AptInScript apt"]],
    [
      "RUN wget -qO- http://x/y |\\\n bash -s",
      [
        "2:5 DownloadPipedToShell wget -qO- http://x/y |\\\n bash -s",
        "2:5 PipeWithoutPipefail wget -qO- http://x/y",
      ],
    ],
    ["RUN cd /a", ["2:1 RunWithoutEffect RUN cd /a"]],
    [
      "RUN if true; then apt-get update; apt-get install jq; fi",
      ["2:35 InstallWithoutYes apt-get install jq", "2:35 PackageListsKept apt-get install jq"],
    ],
  ])("find what is meant in %s", (lines, expected) => {
    expect([...inStage(lines)].sort()).toEqual(expected);
  });

  test("say how the shell of the image below does it", () => {
    const hintOf = (image: string) =>
      lint(`FROM ${image} AS a\nFROM a\nRUN b | c\nSNAPSHOT d\n`).map(({ hint }) => hint);
    expect(hintOf("debian:12")).toEqual([expect.stringMatching(/^write SHELL \["\/bin\/bash"/)]);
    expect(hintOf("golang:1.27-alpine3.24")).toEqual([
      expect.stringMatching(/^begin it with set -o pipefail/),
    ]);
  });

  test("say who is to run what sudo ran", () => {
    const hintOf = (line: string) => lint(`FROM a:1\nSNAPSHOT b\nRUN ${line}\n`)[0]?.hint;
    expect(hintOf("sudo -E -u app -H make")).toBe("write what app runs as a RUN of its own, behind USER app");
    expect(hintOf("sudo -u root make")).toContain("USER root");
    const [finding] = lint("FROM a:1\nSNAPSHOT b\nRUN sudo c && sudo d\n");
    expect(finding?.fixes[0]?.edits).toHaveLength(2);
  });

  test("read what Windows runs as no shell's", () => {
    const text =
      "FROM mcr.microsoft.com/windows/servercore:ltsc2025\nRUN cd C:\\x && a | b\nWORKDIR C:/x\nSNAPSHOT y\n";
    expect(found(text)).toEqual(["1:6 UnsupportedBase mcr.microsoft.com/windows/servercore:ltsc2025"]);
  });

  test("let a stage keep its lists that others only copy from", () => {
    const build = "FROM debian:12 AS build\nRUN apt-get update && apt-get install -y gcc\n";
    expect(found(`${build}FROM debian:12\nCOPY --from=build /a /a\nSNAPSHOT a\n`)).toEqual([]);
    expect(found(`${build}FROM build\nSNAPSHOT a\n`)).toEqual([
      "2:23 PackageListsKept apt-get install -y gcc",
    ]);
    expect(found(`${build}SNAPSHOT b\nFROM debian:12\nCOPY --from=build /a /a\nSNAPSHOT a\n`)).toHaveLength(
      1,
    );
  });

  test("let the whole context come before a second installation", () => {
    const [first, all, second] = ["COPY p.json .\nRUN npm ci", "COPY . .", "RUN npm ci --offline"];
    expect(inStage(first, all, second)).toEqual([]);
    expect(inStage(all, second)).toEqual(["2:1 CacheUnfriendlyOrder COPY . ."]);
    expect(inStage(first, all, "RUN pip install .")).toEqual(["4:1 CacheUnfriendlyOrder COPY . ."]);
  });

  test("know the SHELL that a stage has from the one below it", () => {
    const text =
      'FROM debian:12 AS a\nSHELL ["bash", "-o", "pipefail", "-c"]\nRUN x\nFROM a\nRUN b | c\nSNAPSHOT d\n';
    expect(found(text)).toEqual([]);
  });
});

describe("rules about stages", () => {
  test.each([
    ["a mount", "RUN --mount=type=bind,from=tools,target=/t make"],
    ["a number", "COPY --from=0 /a /b"],
    ["another case", "COPY --from=TOOLS /a /b"],
    ["a variable", "ARG S=tools\nCOPY --from=$S /a /b"],
  ])("count a stage as used by %s", (_, lines) => {
    expect(found(`FROM debian:12 AS tools\nRUN x\nFROM debian:12\n${lines}\nSNAPSHOT a\n`)).toEqual([]);
  });

  test("tell once of stages that may be targets, where nothing says which are", () => {
    const stages = ["a", "b", "c", "d", "e", "f", "g"].map((name) => `FROM debian:12 AS ${name}\nRUN x\n`);
    const [finding, ...others] = lint(stages.join(""), { skip: ["MissingSnapshot"] });
    expect([finding?.code, finding?.message, others]).toEqual([
      "UnusedStage",
      "nothing uses the stages a, b, c, d, e and f",
      [],
    ]);
    expect(found(`${stages.slice(4).join("")}SNAPSHOT g\n`)).toEqual([
      "1:19 UnusedStage e",
      "3:19 UnusedStage f",
    ]);
  });

  test("do not ask for the version of what a build argument names", () => {
    expect(found("ARG BUILD\nFROM base-$BUILD\nSNAPSHOT a\n")).toEqual([]);
    expect(found("ARG BUILD=x\nFROM base-$BUILD\nSNAPSHOT a\n")).toEqual(["2:6 UnpinnedBase base-$BUILD"]);
  });

  test("count a stage as a target that has a TEST or a SNAPSHOT", () => {
    expect(found("FROM debian:12 AS t\nTEST x\nFROM debian:12\nSNAPSHOT a\n")).toEqual([]);
  });

  test.each(["./base.tar", "oci:base", "../other/Lightfile#x", "debian@sha256:0", "localhost:5000/x:1"])(
    "find a version, or none needed, in %s",
    (image) => {
      expect(found(`FROM ${image}\nSNAPSHOT a\n`).filter((one) => one.includes("Unpinned"))).toEqual([]);
    },
  );
});

describe("words that name a stage", () => {
  test.each([
    ["FROM", "FROM buidl"],
    ["COPY --from", "FROM ./base.tar\nCOPY --from=buidl /a /b"],
    ["a mount", "FROM ./base.tar\nRUN --mount=type=bind,from=buidl,target=/x true"],
  ])("are not taken for an image's, nor the stage for unused, when misspelt in %s", (_, lines) => {
    const text = `FROM ./base.tar AS build\nRUN a\n${lines}\nSNAPSHOT x\n`;
    expect(found(text)).toEqual([expect.stringMatching(/^\d+:\d+ StageTakenForImage buidl$/)]);
    const [finding] = lint(text);
    expect(finding?.hint).toContain("did you mean the stage build?");
    expect(finding?.fixes.flatMap(({ edits }) => edits.map(({ newText }) => newText))).toEqual(["build"]);
  });

  test("are an image's where the file took the image before there was the stage", () => {
    const text = "FROM alpine AS alpine1\nRUN a\nFROM alpine\nCOPY --from=alpine1 /a /b\nSNAPSHOT x\n";
    expect(found(text)).toEqual(["1:6 UnpinnedBase alpine", "3:6 UnpinnedBase alpine"]);
  });

  test("are read with the platform's arguments in them", () => {
    const stage = (architecture: string) =>
      `FROM --platform=linux/${architecture} ./${architecture}.tar AS base-${architecture}\nRUN b\n`;
    const text = (from: string) => `${stage("amd64")}${stage("arm64")}FROM ${from}\nSNAPSHOT x\n`;
    expect(found(text("base-${TARGETARCH}"))).toEqual([]);
    const needed = lint(text("base-arm64")).map(({ code, severity }) => `${severity} ${code}`);
    expect(needed).toEqual(["warning UnusedStage", "error NotSupportedYet"]);
  });
});

describe("rules about configuration", () => {
  test("tell once of a comment behind ARG", () => {
    expect(found("ARG TAG=1 # of the image\nFROM a:$TAG\nSNAPSHOT b\n")).toEqual([
      "1:11 UnusedArgument # of the image",
    ]);
  });

  test.each([
    "ENV GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
    "ENV TLS_KEY=/etc/tls/tls.key",
    'ENV DB_PASSWORD="/run/secrets/db.pass"',
    "ENV LD_PATH=/a\nENV LD_PATHS=/b:$LD_PATHS",
    "CMD exec server --port $PORT",
    "ADD https://x.org/0123456789012345678901234567890123456789/tool /bin/",
  ])("are silent about %s", (line) => {
    expect(inStage(line)).toEqual([]);
  });

  test.each([
    ["ENV API_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D", "SecretsUsedInArgOrEnv"],
    ["ENV GPG_KEY=hunter2", "SecretsUsedInArgOrEnv"],
    ["ENV DB_PASSWORD=/hunter2", "SecretsUsedInArgOrEnv"],
    ["ENV LD_PATH=/a\nENV X=/b:$LD_PATHS", "UndefinedVar"],
    ["ENV MEMORY=1G\nRESOURCES memory=$MEMRY", "UndefinedVar"],
    ["ENV VERSION=1\nUSE node VERSION=$VERSON", "UndefinedVar"],
    ["ENV VENDOR=me\nLABEL $VENDR.name=a", "UndefinedVar"],
    ["CMD executor --port 1", "JSONArgsRecommended"],
    ["ADD https://x.org/0123456789/tool /bin/", "AddWithoutChecksum"],
  ])("find what is meant in %s", (line, code) => {
    expect(lint(`FROM debian:12\nSNAPSHOT a\n${line}\n`).map((one) => one.code)).toEqual([code]);
  });
});

describe("variables in FROM", () => {
  test("that nobody declares are told of, with the one that was meant", () => {
    const says = (text: string) => lint(text).map(({ code, hint }) => `${code} ${hint}`);
    expect(says("ARG TAG=1\nFROM debian:$TAGG\nSNAPSHOT x\n")).toContain(
      "UndefinedArgInFrom did you mean TAG?",
    );
    expect(says("FROM $BUILDPLATFROM\nSNAPSHOT x\n")).toEqual([
      expect.stringMatching(/^UndefinedArgInFrom did you mean BUILDPLATFORM\?/),
      expect.stringMatching(/^BlankBase /),
    ]);
    expect(found("# check=skip=UndefinedArgInFrom\nFROM debian:$TAGG\nSNAPSHOT x\n")).toEqual([]);
  });

  test("that an ARG declares may have no value", () => {
    expect(found("ARG SUFFIX\nFROM ./base.tar$SUFFIX\nSNAPSHOT x\n")).toEqual([]);
  });
});

describe("the platform's arguments", () => {
  test("are not set in a stage that does not declare them", () => {
    expect(inStage("COPY tool-$TARGETARCH /x")).toEqual(["2:11 UndefinedVar $TARGETARCH"]);
    expect(inStage("ARG TARGETARCH", "COPY tool-$TARGETARCH /x")).toEqual([]);
    const [finding] = lint("FROM debian:12\nLABEL a=${BUILDPLATFORM}\nSNAPSHOT x\n");
    expect([finding?.hint, finding?.fixes.length]).toEqual(["write ARG BUILDPLATFORM above", 1]);
  });
});

describe("a case of the shell", () => {
  test.each([
    'RUN case "$(uname -m)" in x86_64|amd64) a ;; arm*|aarch64) b ;; esac',
    "RUN case $x in (a|b) c;; d|e) f;& *) g; esac && h",
    "RUN case $x in\\\n  a | b ) case $y in c|d) e ;; esac ;; \\\n f|g) h ;; \\\n esac",
  ])("has alternatives that are no pipes: %s", (line) => {
    expect(inStage(line)).toEqual([]);
  });

  test("has commands whose pipes are some, as have those behind it", () => {
    expect(inStage("RUN case $x in a|b) c | d ;; esac")).toEqual(["2:21 PipeWithoutPipefail c"]);
    expect(inStage("RUN case $x in a|b) c ;; esac; d | e")).toEqual(["2:32 PipeWithoutPipefail d"]);
    expect(inStage("RUN case $x in a) cd /b && c ;; esac")).toEqual(["2:19 CdInRun cd /b"]);
  });
});

describe("MAINTAINER", () => {
  test("is answered with a label that says the same", () => {
    const [finding] = lint("FROM debian:12\nMAINTAINER A <x@$y>\nSNAPSHOT a\n");
    const label = 'LABEL org.opencontainers.image.authors="A <x@\\$y>"';
    expect(finding?.hint).toBe(`write ${label}`);
    expect(finding?.fixes.flatMap(({ edits }) => edits.map(({ newText }) => newText))).toEqual([label]);
  });
});

describe("ScriptGoesOn", () => {
  const said = (run: string) =>
    lint(`FROM debian:12\nSNAPSHOT a\n${run}\n`).filter(({ code }) => code === "ScriptGoesOn").length;

  test.each([
    "RUN <<E\n#!/bin/sh\na\nb\nE",
    "RUN <<E\n#!/usr/bin/env bash\na\nb\nE",
    "RUN bash <<'E'\na\nb\nE",
    "RUN /bin/sh -x <<-E\n\ta\n\tb\n\tE",
    "TEST <<E\n#!/bin/sh\na\nb\nE",
  ])("speaks of %j", (run) => expect(said(run)).toBe(1));

  test.each([
    "RUN <<E\na\nb\nE",
    "RUN <<E\n#!/bin/sh -e\na\nb\nE",
    "RUN <<E\n#!/bin/bash\nset -euo pipefail\na\nb\nE",
    "RUN <<E\n#!/bin/sh\nset +e\na\nb\nE",
    "RUN <<E\n#!/bin/sh\n# one command\na\nE",
    "RUN <<E\n#!/usr/bin/env python3\na\nb\nE",
    "RUN bash -eu <<E\na\nb\nE",
    "RUN bash script.sh <<E\na\nb\nE",
    "RUN cat <<E > /x\na\nb\nE",
  ])("is silent about %j", (run) => expect(said(run)).toBe(0));
});

describe("NoEffect", () => {
  const said = (run: string) =>
    found(`FROM debian:12\nSNAPSHOT a\n${run}\n`).filter((one) => one.includes("NoEffect"));

  test.each([
    ["RUN echo 10.0.0.1 db >> /etc/hosts", "3:25 NoEffect /etc/hosts"],
    ["RUN a && \\\n echo box >/etc/hostname", "4:12 NoEffect /etc/hostname"],
    ["RUN echo x | tee -a /etc/resolv.conf", "3:21 NoEffect /etc/resolv.conf"],
    ["RUN <<E\necho x > /etc/hosts\nE", "4:10 NoEffect /etc/hosts"],
  ])("speaks of %j, since a boot writes the file anew", (run, expected) =>
    expect(said(run)).toEqual([expected]),
  );

  test.each([
    "RUN cat /etc/hosts > /hosts",
    "RUN echo x > /etc/hosts.allow",
    "RUN echo x > /srv/etc/hosts",
    "TEST echo x > /etc/hosts",
    'RUN ["sh", "-c", "echo > /x"]',
  ])("is silent about %j", (run) => expect(said(run)).toEqual([]));
});
