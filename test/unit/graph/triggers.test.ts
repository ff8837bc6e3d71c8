import { describe, expect, test } from "vitest";
import { inStage, lastStage, mistakesIn, planOf } from "../../support/planned.ts";

describe("HEALTHCHECK", () => {
  const checkOf = (...lines: readonly string[]) =>
    lastStage(planOf(inStage(...lines))).configuration.healthcheck;

  test("is recorded, with Docker's times where the file says none", () => {
    expect(checkOf("HEALTHCHECK CMD curl -f localhost")).toEqual({
      command: ["/bin/sh", "-c", "curl -f localhost"],
      intervalMs: 30_000,
      timeoutMs: 30_000,
      startPeriodMs: 0,
      startIntervalMs: 5_000,
      retries: 3,
    });
    const flags = "--interval=5s --timeout=1s --start-period=1m --start-interval=500ms --retries=7";
    expect(checkOf(`HEALTHCHECK ${flags} CMD ["/bin/check", "x"]`)).toEqual({
      command: ["/bin/check", "x"],
      intervalMs: 5_000,
      timeoutMs: 1_000,
      startPeriodMs: 60_000,
      startIntervalMs: 500,
      retries: 7,
    });
  });

  test("0 stands for the default, and times may be written in every way that Docker takes", () => {
    const zero = "--interval=0s --timeout=0 --start-period=0h --start-interval=0ms --retries=0";
    expect(checkOf(`HEALTHCHECK ${zero} CMD true`)).toMatchObject({
      intervalMs: 30_000,
      timeoutMs: 30_000,
      startPeriodMs: 0,
      startIntervalMs: 5_000,
      retries: 3,
    });
    const flags = "--interval=.5s --timeout=1000us --start-period=1.h30m --start-interval=+2000000ns";
    expect(checkOf(`HEALTHCHECK ${flags} CMD true`)).toMatchObject({
      intervalMs: 500,
      timeoutMs: 1,
      startPeriodMs: 5_400_000,
      startIntervalMs: 2,
    });
  });

  test("the last one wins, and NONE takes it away", () => {
    expect(checkOf("HEALTHCHECK CMD one", "HEALTHCHECK CMD two")?.command.at(-1)).toBe("two");
    expect(checkOf("HEALTHCHECK CMD one", "HEALTHCHECK NONE")).toBeNull();
  });
});

describe("ONBUILD", () => {
  const titles = (text: string, onbuild: readonly string[] = []) =>
    lastStage(planOf(text, { configuration: { onbuild } })).history.map((entry) => entry.title);

  test("is kept as written, and read by a stage that is FROM this one, once", () => {
    const text = [
      "FROM a AS base",
      "ONBUILD RUN one \\",
      "  two",
      "ONBUILD COPY <<EOF /x",
      "body",
      "EOF",
      "FROM base AS child",
      "RUN own",
      "FROM child",
      "",
    ].join("\n");
    const plan = planOf(text);
    const [base, child, grandchild] = plan.stages;
    expect(base?.configuration.onbuild).toEqual(["RUN one \\\n  two", "COPY <<EOF /x\nbody\nEOF"]);
    expect(base?.steps).toEqual([]);
    expect(child?.steps.map((step) => step.title)).toEqual([
      "ONBUILD: RUN one two",
      "ONBUILD: COPY <<EOF /x (body)",
      "RUN own",
    ]);
    expect(child?.steps[1]?.definition).toMatchObject({
      source: { patterns: [{ kind: "inline", content: "body\n" }] },
    });
    expect(child?.configuration.onbuild).toEqual([]);
    expect(grandchild?.steps).toEqual([]);
  });

  test("of an image is read the same way", () => {
    const onbuild = ["ARG WHAT=it", "ENV A=$WHAT", "RUN make"];
    const text = "FROM a\nRUN $A\n";
    expect(titles(text, onbuild)).toEqual([
      "ONBUILD: ARG WHAT=it",
      "ONBUILD: ENV A=$WHAT",
      "ONBUILD: RUN make",
      "RUN $A",
    ]);
    const stage = lastStage(planOf(text, { configuration: { onbuild } }));
    expect(stage.configuration).toMatchObject({ environment: { A: "it" }, onbuild: [] });
    expect(stage.steps[1]?.definition).toMatchObject({ environment: { A: "it", WHAT: "it" } });
  });

  test("keeps the escape character of the file that it stands in", () => {
    const text = "# escape=`\nFROM a AS base\nONBUILD RUN one `\n  two\nFROM base\n";
    expect(titles(text)).toEqual(["ONBUILD: RUN one two"]);
  });

  test("tells of mistakes in its own text, and where it was asked for", () => {
    expect(
      mistakesIn("FROM a\n", { configuration: { onbuild: ["RUN --timeout=x y", "COPYY a b"] } }),
    ).toEqual([
      expect.stringContaining("error InvalidDuration 1:5 --timeout=x"),
      expect.stringContaining("error UnknownInstruction 1:1 COPYY"),
    ]);
    expect(mistakesIn("FROM a\n", { configuration: { onbuild: ["FROM b", "ONBUILD RUN x"] } })).toEqual([
      expect.stringContaining("error OnbuildNotAllowed 1:1 FROM"),
      expect.stringContaining("error OnbuildNotAllowed 1:1 ONBUILD"),
    ]);
  });
});
