import { expect, test } from "vitest";
import { definitionsOf, inStage, lastStage, mistakesIn, planOf, stepsOf } from "../../support/planned.ts";

test("instructions that change no file make no step", () => {
  const plan = planOf(inStage("ENV A=1", "LABEL b=2", "USER app", "CMD a", "RUN make", "EXPOSE 80"));
  const stage = lastStage(plan);
  expect(stage.steps.map((step) => step.title)).toEqual(["RUN make"]);
  expect(stage.history).toEqual([
    { title: "ENV A=1", step: null },
    { title: "LABEL b=2", step: null },
    { title: "USER app", step: null },
    { title: "CMD a", step: null },
    { title: "RUN make", step: "0/1" },
    { title: "EXPOSE 80", step: null },
  ]);
});

test("step ids begin with the stage's name, or its number where the name is not clear", () => {
  const plan = planOf(
    "FROM a AS one\nRUN x\nFROM one\nRUN y\nFROM 1\nRUN z\n".replace("FROM 1", "FROM one AS one"),
  );
  expect(plan.stages.flatMap((stage) => stage.steps.map((step) => step.id))).toEqual(["one/1", "2/1"]);
});

test("only the stages that the target reaches are planned", () => {
  const text = [
    "FROM a AS base",
    "RUN base",
    "FROM b AS unused",
    "RUN unused",
    "FROM c AS tools",
    "RUN tools",
    "FROM base AS final",
    "COPY --from=tools /t /t",
    "FROM final AS after",
  ].join("\n");
  const plan = planOf(text, { target: "FINAL" });
  expect(plan.stages.map((stage) => [stage.index, stage.name, stage.base])).toEqual([
    [0, "base", { kind: "image" }],
    [2, "tools", { kind: "image" }],
    [3, "final", { kind: "stage", index: 0 }],
  ]);
  expect(plan.target).toBe(3);
});

test("mistakes in a stage that the target does not need are not reported", () => {
  const text = "FROM a AS broken\nUSER a b\nRUN --mount=type=cache,target=/x true\nFROM b\nRUN true\n";
  expect(mistakesIn(text.replace("USER a b\n", ""))).toEqual([]);
});

test("a RUN has the whole environment: image, ENV and ARG values", () => {
  const [run] = definitionsOf(inStage("ENV A=1", "ARG B=2", "ARG C", "RUN make"), {
    configuration: { environment: { PATH: "/bin", FROM_IMAGE: "yes" } },
  });
  expect(run).toMatchObject({ environment: { PATH: "/bin", FROM_IMAGE: "yes", A: "1", B: "2" } });
});

test("ARG values do not reach the sandbox's environment", () => {
  const { configuration } = lastStage(planOf(inStage("ARG B=2", "ENV A=$B", "RUN make")));
  expect(configuration.environment).toEqual({ PATH: expect.any(String), A: "2" });
});

test("PATH has a default when the base image has none", () => {
  const stage = lastStage(planOf(inStage("RUN make"), { configuration: { environment: {} } }));
  expect(stage.configuration.environment).toEqual({
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  });
});

test("shell form runs in the shell that was set last, exec form in none", () => {
  const definitions = definitionsOf(
    inStage("RUN echo $A", 'SHELL ["/bin/bash", "-o", "pipefail", "-c"]', "RUN a | b", 'RUN ["a", "$B"]'),
  );
  expect(definitions.map((one) => one.kind === "run" && one.command)).toEqual([
    { kind: "argv", argv: ["/bin/sh", "-c", "echo $A"] },
    { kind: "argv", argv: ["/bin/bash", "-o", "pipefail", "-c", "a | b"] },
    { kind: "argv", argv: ["a", "$B"] },
  ]);
});

test("a heredoc alone is a script in which a failing line fails the step", () => {
  const [run] = definitionsOf(inStage("RUN <<EOF", "a $X", "b", "EOF"));
  expect(run).toMatchObject({ command: { kind: "argv", argv: ["/bin/sh", "-c", "set -e\na $X\nb\n"] } });
});

test("a heredoc for a shell that is none of the POSIX family is handed over as it is", () => {
  const [run] = definitionsOf(inStage('SHELL ["python3", "-c"]', "RUN <<'EOF'", "print(1)", "EOF"));
  expect(run).toMatchObject({ command: { kind: "argv", argv: ["python3", "-c", "print(1)\n"] } });
});

test("a heredoc that begins with #! is a script of its own", () => {
  const [run] = definitionsOf(inStage("RUN <<EOF", "#!/usr/bin/env python3", "print(1)", "EOF"));
  expect(run).toMatchObject({ command: { kind: "script", content: "#!/usr/bin/env python3\nprint(1)\n" } });
});

test("a command line with heredocs is handed to the shell together with their bodies", () => {
  const [run] = definitionsOf(inStage("RUN cat <<A > /x && cat <<-'B'", "one", "A", "\ttwo", "\tB"));
  expect(run).toMatchObject({
    command: {
      kind: "argv",
      argv: ["/bin/sh", "-c", "cat <<A > /x && cat <<-'B'\none\nA\ntwo\nB\n"],
    },
  });
});

test("RUN --network=none has no network", () => {
  const definitions = definitionsOf(inStage("RUN --network=none a", "RUN --network=default b", "RUN c"));
  expect(definitions.map((one) => one.kind === "run" && one.network)).toEqual(["none", "default", "default"]);
});

test("a step makes the WORKDIRs before it, each owned by the USER at its time", () => {
  const definitions = definitionsOf(
    inStage("WORKDIR /app", "USER web:staff", "WORKDIR data", "WORKDIR ../data", "RUN a", "RUN b"),
  );
  expect(definitions).toMatchObject([
    {
      workingDirectory: "/app/data",
      user: "web:staff",
      directories: [
        { path: "/app", user: "root" },
        { path: "/app/data", user: "web:staff" },
      ],
    },
    { workingDirectory: "/app/data", directories: [] },
  ]);
});

test("WORKDIRs that nothing follows become a step of their own", () => {
  const stage = lastStage(planOf(inStage("RUN a", "WORKDIR /a", "ENV X=1", "WORKDIR b", "CMD c")));
  expect(stage.steps.map((step) => [step.id, step.title, step.definition])).toMatchObject([
    ["0/1", "RUN a", {}],
    ["0/2", "WORKDIR b", { kind: "make-directories", directories: [{ path: "/a" }, { path: "/a/b" }] }],
  ]);
  expect(stage.history.map((entry) => entry.step)).toEqual(["0/1", "0/2", null, "0/2", null]);
});

test("a stage takes over the configuration, variables and disk of the stage that it is FROM", () => {
  const plan = planOf(
    [
      "FROM a AS base",
      "RESOURCES cpus=2 memory=1G disk=4G",
      "ARG V=1",
      "ENV E=e",
      "USER app",
      "WORKDIR /w",
      'ENTRYPOINT ["run"]',
      "CMD args",
      "EXPOSE 80",
      "FROM base",
      "RUN echo $V",
      "RESOURCES memory=2G",
      "EXPOSE 81/udp",
    ].join("\n"),
  );
  const stage = lastStage(plan);
  expect(stage.steps[0]?.definition).toMatchObject({
    environment: { V: "1", E: "e" },
    user: "app",
    workingDirectory: "/w",
  });
  expect(stage.resources).toEqual({ cpus: 2, memoryMib: 2048, diskSizeMib: 4096 });
  expect(stage.configuration).toMatchObject({
    entrypoint: ["run"],
    command: ["/bin/sh", "-c", "args"],
    exposedPorts: ["80/tcp", "81/udp"],
  });
});

test("a new ENTRYPOINT drops an inherited CMD, but not one of the same stage", () => {
  const inherited = { entrypoint: ["old"], command: ["old-args"] };
  const configurationOf = (...lines: string[]) =>
    lastStage(planOf(inStage(...lines), { configuration: inherited })).configuration;
  expect(configurationOf('ENTRYPOINT ["new"]')).toMatchObject({ entrypoint: ["new"], command: null });
  expect(configurationOf('CMD ["x"]', 'ENTRYPOINT ["new"]')).toMatchObject({ command: ["x"] });
  expect(configurationOf("ENTRYPOINT []")).toMatchObject({ entrypoint: null, command: null });
  expect(configurationOf("LABEL a=b")).toMatchObject(inherited);
});

test("metadata of the image and of the file is recorded", () => {
  const { configuration } = lastStage(
    planOf(
      inStage(
        "ENV P=9000",
        'LABEL "a b"=$P version=1',
        "EXPOSE $P 5000-5001/UDP",
        'VOLUME ["/data", "cache"]',
        "STOPSIGNAL sigint",
      ),
      { configuration: { labels: { kept: "yes", version: "0" }, exposedPorts: ["1/tcp"] } },
    ),
  );
  expect(configuration.labels).toEqual({ kept: "yes", version: "1", "a b": "9000" });
  expect(configuration.exposedPorts).toEqual(["1/tcp", "9000/tcp", "5000/udp", "5001/udp"]);
  expect(configuration.volumes).toEqual(["/data", "/cache"]);
  expect(configuration.stopSignal).toBe("SIGINT");
});

test("the SNAPSHOT of the target names what is published", () => {
  const text = "FROM a AS one\nSNAPSHOT first\nFROM one\nARG N=web\nSNAPSHOT team/$N-1.0\n";
  expect(planOf(text).snapshotName).toBe("team/web-1.0");
  expect(planOf(text, { target: "one" }).snapshotName).toBe("first");
  expect(planOf("FROM a AS one\nSNAPSHOT first\nFROM one\n").snapshotName).toBeNull();
});

test("titles are the instruction on one line, cut when they are long", () => {
  const steps = stepsOf(
    inStage(
      "RUN apt-get update && \\",
      "  # the tools",
      "    apt-get install -y jq",
      "RUN <<EOF",
      "make all",
      "EOF",
      `RUN ${"x".repeat(300)}`,
    ),
  );
  expect(steps.map((step) => step.title)).toEqual([
    "RUN apt-get update && apt-get install -y jq",
    "RUN <<EOF (make all)",
    `RUN ${"x".repeat(195)}…`,
  ]);
});
