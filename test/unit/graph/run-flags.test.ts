import { describe, expect, test } from "vitest";
import { lint } from "../../../src/lint/lint.ts";
import { inStage, lastStage, mistakesIn, planOf, stepsOf } from "../../support/planned.ts";

function runOf(...lines: readonly string[]) {
  const definition = stepsOf(inStage(...lines)).at(-1)?.definition;
  if (definition?.kind !== "run") throw new Error("the last step is no RUN");
  return definition;
}

const owned = { userId: 0, groupId: 0 };

describe("--mount", () => {
  test.each<[string, object]>([
    ["target=/x", { kind: "bind", target: "/x", readOnly: true, content: { kind: "context", path: "/" } }],
    [
      "type=bind,src=a/b,dst=x,rw",
      { kind: "bind", target: "/work/x", readOnly: false, content: { kind: "context", path: "a/b" } },
    ],
    [
      "type=bind,from=busybox,source=bin,target=/x",
      { kind: "bind", content: { kind: "image", image: { reference: "busybox" }, path: "/bin" } },
    ],
    [
      "type=cache,target=/c/../d",
      {
        kind: "cache",
        id: "/d",
        target: "/d",
        readOnly: false,
        sharing: "shared",
        mode: 0o755,
        ...owned,
        seed: null,
      },
    ],
    [
      "type=cache,id=npm,target=/c,sharing=locked,mode=0700,uid=5,gid=6,ro",
      { kind: "cache", id: "npm", readOnly: true, sharing: "locked", mode: 0o700, userId: 5, groupId: 6 },
    ],
    [
      "type=volume,source=models,target=/m,ro",
      { kind: "volume", name: "models", target: "/m", readOnly: true },
    ],
    ["type=bind", { kind: "bind", target: "/work", readOnly: true, content: { kind: "context", path: "/" } }],
    [
      "from=busybox,src=/bin,rw",
      { kind: "bind", target: "/work", readOnly: false, content: { path: "/bin" } },
    ],
    ["type=tmpfs,target=/t", { kind: "tmpfs", target: "/t", sizeBytes: null, mode: 0o1777 }],
    ["type=tmpfs,target=/t,size=64m", { kind: "tmpfs", sizeBytes: 64 * 2 ** 20 }],
    [
      "type=secret,id=token",
      {
        kind: "secret",
        id: "token",
        target: "/run/secrets/token",
        environmentVariable: null,
        required: false,
        mode: 0o400,
      },
    ],
    [
      "type=secret,id=token,env=TOKEN,required",
      { target: null, environmentVariable: "TOKEN", required: true },
    ],
    ["type=secret,target=/root/.npmrc", { kind: "secret", id: ".npmrc", target: "/root/.npmrc" }],
    ["type=ssh", { kind: "ssh", id: "default", target: "/run/ssh-agent.0", required: false, mode: 0o600 }],
    ["type=bind,target=/$PLACE,source=$" + "{WHAT}", { target: "/there", content: { path: "it" } }],
  ])("%s", (written, expected) => {
    const definition = runOf("ARG PLACE=there", "ARG WHAT=it", "WORKDIR /work", `RUN --mount=${written} x`);
    expect(definition.mounts).toHaveLength(1);
    expect(definition.mounts[0]).toMatchObject(expected);
  });

  test("without a target is where the base image works, and nowhere when that is the root", () => {
    const text = inStage("RUN --mount=type=bind,source=src make");
    const definition = stepsOf(text, { configuration: { workingDirectory: "/app" } }).at(-1)?.definition;
    expect(definition).toMatchObject({ mounts: [{ target: "/app", content: { path: "src" } }] });
    expect(mistakesIn(text)).toEqual([
      expect.stringMatching(/^error MissingMountField 2:5 .* \| a mount of type bind needs a target \| /),
    ]);
  });

  test.each(["type=bind", "type=cache,target=."])("is right as far as it is known: %s", (written) => {
    expect(lint(inStage("SNAPSHOT a", `RUN --mount=${written} x`)).map(({ code }) => code)).toEqual([]);
  });

  test("a field with a comma is quoted with its name, as in CSV", () => {
    const [mount] = runOf(`RUN --mount='type=bind,"source=a,b",target=/x' y`).mounts;
    expect(mount).toMatchObject({ content: { path: "a,b" } });
  });

  test("a stage is named by --from, and then needed", () => {
    const plan = planOf(
      "FROM a AS tools\nRUN make\nFROM b\nRUN --mount=from=tools,target=/t,source=/bin x\n",
    );
    expect(plan.stages).toHaveLength(2);
    const definition = plan.stages[1]?.steps[0]?.definition;
    expect(definition).toMatchObject({ mounts: [{ content: { kind: "stage", index: 0, path: "/bin" } }] });
  });

  test.each([
    [
      "type=bid,target=/x",
      "error UnknownMountType 2:13 type=bid | there is no mount of type bid | did you mean bind?",
    ],
    [
      "type=cache,taget=/x",
      "error UnknownMountField 2:24 taget=/x | a mount of type cache has no field taget | did you mean target?",
    ],
    ["type=cache", "error MissingMountField 2:5 --mount=type=cache | a mount of type cache needs a target"],
    ["type=tmpfs,target=/", "error InvalidMountField 2:24 target=/"],
    ["type=tmpfs,target=", "error InvalidMountField 2:24 target="],
    ["type=tmpfs,target=/t,size=lots", "error InvalidMountField 2:34 size=lots"],
    ["type=cache,target=/x,mode=999", "error InvalidMountField 2:34 mode=999"],
    ["type=cache,target=/x,uid=root", "error InvalidMountField 2:34 uid=root"],
    ["type=cache,target=/x,sharing=alone", "error InvalidMountField 2:34 sharing=alone"],
    ["type=cache,target=/x,source=y", "error MissingMountField 2:5"],
    ["type=bind,target=/x,ro,rw", "error InvalidMountField 2:36 rw"],
    ["type=bind,target=/x,ro=maybe", "error InvalidMountField 2:33 ro=maybe"],
    ["type=volume,target=/x", "error MissingMountField 2:5"],
    ["type=volume,target=/x,source=-x", "error InvalidMountField 2:35 source=-x"],
    ["type=secret,env=1A,id=x", "error InvalidMountField 2:25 env=1A"],
    ["type=secret", "error MissingMountField 2:5"],
    ["type=bind,target=/x,target=/y", "error DuplicateMountField 2:33 target=/y"],
    ["type=bind,,target=/x", "error MalformedMount 2:23"],
    [`type=bind,so"urce=a,target=/x`, "error UnclosedQuote"],
  ])("%s: %s", (written, expected) => {
    const mistakes = mistakesIn(inStage(`RUN --mount=${written} x`));
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(expected);
  });

  test("a quote in the middle of a field is told at its place", () => {
    expect(mistakesIn(inStage(`RUN --mount='type=bind,so"urce=a,target=/x' y`))).toEqual([
      expect.stringContaining("error MalformedMount"),
    ]);
  });

  test("two mounts at one place are a mistake that names both", () => {
    expect(mistakesIn(inStage("RUN --mount=type=tmpfs,target=/t --mount=type=tmpfs,target=/t/ x"))).toEqual([
      expect.stringContaining(
        "error DuplicateMountTarget 2:34 --mount=type=tmpfs,target=/t/ | two mounts at /t",
      ),
    ]);
  });
});

describe("--network", () => {
  test.each<[string, unknown]>([
    ["none", "none"],
    ["DEFAULT", "default"],
    ["Example.org", { allow: ["example.org"] }],
    ["b.org:443,*.a.org,b.org:443", { allow: ["*.a.org", "b.org:443"] }],
    ["10.0.0.1:80,[::1]:8080,[fe80::1]", { allow: ["10.0.0.1:80", "[::1]:8080", "[fe80::1]"] }],
    ["registry:5000", { allow: ["registry:5000"] }],
    ["$HOSTS", { allow: ["one.org", "two.org"] }],
  ])("%s", (written, expected) => {
    expect(runOf("ARG HOSTS=two.org,one.org", `RUN --network=${written} x`).network).toEqual(expected);
  });

  test.each([
    ["host", "a step has no part in the network of the host"],
    ["nnoe", "nnoe is neither a mode nor a whole name | did you mean none?"],
    ["none,a.org", "none stands alone"],
    ["a.org:0", "0 is no port"],
    ["a.org:99999", "99999 is no port"],
    ["::1", "::1 has no brackets | write [::1]"],
    ["1.2.3", "1.2.3 is no host"],
    ["a*.org", "a*.org is no host"],
    ["*.*.org", "*.*.org is no host"],
    ["https://a.org/", "https://a.org/ is no host"],
    [",", "names no host"],
  ])("%s: %s", (written, expected) => {
    expect(mistakesIn(inStage(`RUN --network=${written} x`))).toEqual([
      expect.stringMatching(/^error InvalidNetworkAccess 2:5 --network=/),
    ]);
    expect(mistakesIn(inStage(`RUN --network=${written} x`))[0]).toContain(expected);
  });
});

test("--timeout and --retry are read, and are off otherwise", () => {
  expect(runOf("RUN --timeout=1m30s --retry=3 x")).toMatchObject({ timeoutSeconds: 90, retries: 3 });
  expect(runOf("RUN --timeout=500ms x")).toMatchObject({ timeoutSeconds: 0.5 });
  expect(runOf("RUN x")).toMatchObject({ timeoutSeconds: null, retries: 0, runsAlways: false, mounts: [] });
  expect(runOf("RUN --no-cache x").runsAlways).toBe(true);
  expect(runOf("RUN --no-cache=false x").runsAlways).toBe(false);
  expect(mistakesIn(inStage("RUN --timeout=5 --retry=-1 x"))).toEqual([
    "error InvalidDuration 2:5 --timeout=5 | --timeout=5 is no time | a number needs a unit: --timeout=5s",
    expect.stringContaining("error InvalidCount 2:17 --retry=-1"),
  ]);
});

test("--title is what people see instead of the instruction", () => {
  const text = inStage(
    "ARG WHAT=tools",
    'RUN --title="Install $WHAT" apt-get install x',
    "COPY --title=Sources a /a",
  );
  expect(stepsOf(text).map((step) => step.title)).toEqual(["Install tools", "Sources"]);
  expect(lastStage(planOf(text)).history.map((entry) => entry.title)).toEqual([
    "ARG WHAT=tools",
    "Install tools",
    "Sources",
  ]);
});

describe("ENV --from-output", () => {
  const text = inStage(
    "ENV REV=old",
    "ENV --from-output REV git rev-parse HEAD",
    "RUN echo $REV",
    "ENV REV=new",
    "RUN echo $REV",
  );

  test("is a step whose output later commands have as a variable, until ENV sets it anew", () => {
    const definitions = stepsOf(text).map(({ definition }) => definition);
    expect(definitions).toMatchObject([
      {
        command: { argv: ["/bin/sh", "-c", "git rev-parse HEAD"] },
        outputVariable: "REV",
        outputVariables: [],
      },
      { outputVariable: null, outputVariables: ["REV"] },
      { outputVariables: [], environment: { REV: "new" } },
    ]);
    expect(definitions[1]).not.toHaveProperty("environment.REV");
  });

  test("takes the flags of a RUN and does with them what a RUN does", () => {
    const flags =
      "--title='$KIND of it' --mount=type=cache,target=/$KIND --mount=type=secret,id=t --network=a.org --timeout=1m --retry=2 --no-cache";
    const [run, output] = [`RUN ${flags} x`, `ENV --from-output ${flags} REV x`].map(
      (line) => stepsOf(inStage("ARG KIND=pip", line))[0],
    );
    expect(output?.title).toBe("pip of it");
    expect(output?.definition).toMatchObject({ retries: 2, timeoutSeconds: 60, runsAlways: true });
    expect(output).toEqual({
      ...run,
      range: output?.range,
      source: output?.source,
      definition: { ...run?.definition, outputVariable: "REV" },
    });
  });

  test("is an ordinary ENV when it is switched off", () => {
    expect(mistakesIn(inStage("ENV --from-output=false A=1"))).toEqual([]);
    expect(mistakesIn(inStage("ENV --retry=2 A=1"))).toEqual([
      expect.stringContaining("error FlagWithoutCommand"),
    ]);
  });

  test("is in the configuration by name, and goes on into stages built on it", () => {
    const plan = planOf(`FROM a AS one\nENV --from-output REV x\nFROM one\nRUN y\n`);
    expect(lastStage(plan).configuration.outputVariables).toEqual(["REV"]);
    expect(lastStage(plan).steps[0]?.definition).toMatchObject({ outputVariables: ["REV"] });
    expect(lastStage(planOf(text)).configuration).toMatchObject({
      outputVariables: [],
      environment: { REV: "new" },
    });
  });

  test.each([
    ["WORKDIR /x/$REV", "3:12 $REV"],
    ["COPY a /x/$" + "{REV:-none}", "3:11 $" + "{REV"],
    ["LABEL r=$REV", "3:9 $REV"],
    ["ENV A=$REV", "3:7 $REV"],
    ["RUN --mount=type=tmpfs,target=/$REV x", "3:32 $REV"],
  ])("cannot be in a word of the file: %s", (line, place) => {
    const mistakes = mistakesIn(inStage("ENV --from-output REV x", line));
    expect(mistakes[0]).toContain("error ValueKnownOnlyAtBake");
    expect(mistakes[0]).toContain(place.slice(0, place.indexOf(" ")));
  });
});

describe("TEST", () => {
  test("is no step; it has the variables, user and directory of its place", () => {
    const stage = lastStage(
      planOf(
        inStage(
          "ARG A=1",
          "USER app",
          "WORKDIR /w",
          'TEST --title="It answers" --timeout=5s --network=none curl localhost',
          'TEST ["/bin/check"]',
          "USER root",
        ),
      ),
    );
    expect(stage.steps.map((step) => step.definition.kind)).toEqual(["make-directories"]);
    expect(stage.tests).toMatchObject([
      {
        id: "0/test-1",
        title: "It answers",
        command: { argv: ["/bin/sh", "-c", "curl localhost"] },
        environment: { A: "1" },
        user: "app",
        workingDirectory: "/w",
        network: "none",
        timeoutSeconds: 5,
      },
      {
        id: "0/test-2",
        title: 'TEST ["/bin/check"]',
        command: { argv: ["/bin/check"] },
        timeoutSeconds: null,
      },
    ]);
  });
});
