import { expect, test } from "vitest";
import {
  definitionsOf,
  inStage,
  keysOf,
  lastStage,
  mistakesIn,
  type PlanTestOptions,
  planOf,
} from "../../support/planned.ts";

/** The values of the LABELs, which show what words expand to. */
function labels(text: string, options: PlanTestOptions = {}): Readonly<Record<string, string>> {
  return lastStage(planOf(text, options)).configuration.labels;
}

test("a bare ARG in a stage takes the global value, its own default hides it, the command line wins", () => {
  const text = "ARG A=global\nFROM x\nARG A\nLABEL a=$A\n";
  expect(labels(text)).toEqual({ a: "global" });
  expect(labels(text.replace("ARG A\n", "ARG A=own\n"))).toEqual({ a: "own" });
  expect(labels(text, { buildArguments: { A: "given" } })).toEqual({ a: "given" });
  expect(labels(text.replace("ARG A\n", ""))).toEqual({ a: "" });
});

test("an ARG counts from its line to the end of its stage, and in stages FROM it", () => {
  const text =
    "FROM x AS one\nLABEL before=$A\nARG A=1\nLABEL after=$A\nFROM one\nLABEL child=$A\nFROM x\nLABEL other=$A\n";
  expect(labels(text, { target: "1" })).toEqual({ before: "", after: "1", child: "1" });
  expect(labels(text)).toEqual({ other: "" });
});

test("all values of an instruction are read before any is set", () => {
  expect(labels(inStage("ENV a=old", "ENV a=new b=$a", "LABEL a=$a b=$b"))).toEqual({ a: "new", b: "old" });
});

test("of ENV and ARG of one name the later wins, and only ENV reaches the sandbox", () => {
  const text = inStage("ENV V=env", "ARG V=arg", "LABEL a=$V", "ENV V=$V-again", "LABEL b=$V");
  expect(labels(text)).toEqual({ a: "arg", b: "arg-again" });
  expect(lastStage(planOf(text)).configuration.environment).toMatchObject({ V: "arg-again" });
});

test("an ARG without a value is in no environment", () => {
  const [run] = definitionsOf(inStage("ARG NONE", "ARG EMPTY=", "RUN x"));
  expect(run).toMatchObject({ environment: { EMPTY: "" } });
  expect(run).not.toHaveProperty("environment.NONE");
});

test("a build argument that is given but not declared is nowhere", () => {
  const [run] = definitionsOf(inStage("RUN x"), { buildArguments: { A: "1" } });
  expect(run).not.toHaveProperty("environment.A");
});

test("the platform arguments are there when they are declared", () => {
  const text = inStage(
    "ARG TARGETPLATFORM",
    "ARG TARGETARCH",
    "ARG TARGETVARIANT",
    "ARG BUILDOS",
    "ARG TARGETSTAGE",
    "LABEL p=$TARGETPLATFORM a=$TARGETARCH v=$TARGETVARIANT o=$BUILDOS s=$TARGETSTAGE",
  );
  expect(labels(text, { platform: "linux/arm64/v8" })).toEqual({
    p: "linux/arm64/v8",
    a: "arm64",
    v: "v8",
    o: "linux",
    s: "default",
  });
  expect(labels("FROM x\nLABEL a=$TARGETARCH\n")).toEqual({ a: "" });
});

test("FROM reads global arguments only, platform arguments among them", () => {
  const plan = planOf("ARG B=base-$TARGETARCH\nFROM x AS one\nARG B=other\nFROM $B\n");
  expect(plan.stages[0]?.image.reference).toBe("base-amd64");
});

test("a stage is not hidden by quotes or variables in its name", () => {
  expect(planOf('ARG S=one\nFROM x AS one\nFROM "$S"\n').stages.at(-1)?.base).toEqual({
    kind: "stage",
    index: 0,
  });
});

test("names that JavaScript objects know are names like any other", async () => {
  const text = inStage("ENV __proto__=a constructor=b", "LABEL toString=$constructor", "RUN x");
  const stage = lastStage(planOf(text));
  expect(Object.entries(stage.configuration.environment)).toContainEqual(["__proto__", "a"]);
  expect(stage.configuration.labels).toEqual({ toString: "b" });
  const keys = await keysOf(text);
  expect(await keysOf(text.replace("__proto__=a", "__proto__=c"))).not.toEqual(keys);
  expect(labels(inStage("LABEL a=$constructor$hasOwnProperty"))).toEqual({ a: "" });
});

test.each([
  ["COPY <<E /x", "é $NOPE", "warning UndefinedVar 3:3 $NOPE"],
  ["COPY <<E /x", `a\n  b \${NOPE} c`, `warning UndefinedVar 4:5 \${NOPE}`],
  ["COPY <<E /x", 'it\'s "a" \\n \\$ $NOPE', "warning UndefinedVar 3:16 $NOPE"],
  ["COPY <<E /x", `a\n  b \${NOPE:?gone} c`, `error RequiredVariable 4:5 \${NOPE:?gone}`],
  ["COPY <<E /x", `a \${x;y} c`, "error BadSubstitution 3:6 ;"],
  ["COPY <<E /x", `a \${x/y\nb`, `error BadSubstitution 3:3 \${x/y`],
  ["COPY <<-E /x", `\ta\r\n\t\tb \${NOPE:?gone} c\r`, `error RequiredVariable 4:5 \${NOPE:?gone}`],
  ["ENV --from-output V date\nCOPY <<-E /x", `\t$v "\${V}"`, `error ValueKnownOnlyAtBake 4:6 \${V}`],
])("what is wrong in the body of a heredoc is marked where it stands: %j %j", (line, body, expected) => {
  const places = mistakesIn(inStage(line, body, "E")).map((mistake) => mistake.split(" | ")[0]);
  expect(places).toContain(expected);
});

test.each([
  ["an ARG without a value", inStage("ARG V", "ENV V=$V", "LABEL v=$V")],
  ["a proxy that is declared", inStage("ARG HTTP_PROXY", "ENV P=$HTTP_PROXY")],
  ["an ARG of the stage that this one is FROM", "FROM a AS b\nARG V\nFROM b\nLABEL v=$V\n"],
  ["a global ARG in a FROM", "ARG V\nFROM debian:12$V\n"],
  ["a parameter of a mixin", "MIXIN m\nARG V\nENV W=$V\nFROM a\nUSE m\n"],
])("what an ARG declares may be without a value: %s", (_what, text) => {
  expect(mistakesIn(text)).toEqual([]);
});

test.each([
  ["a predefined argument", "FROM a\nCOPY tool-$TARGETARCH /x\n", "TARGETARCH"],
  ["a global ARG", "ARG V=1\nFROM a\nLABEL v=$V\n", "V"],
  ["a global ARG in a mixin", "ARG V=1\nMIXIN m\nENV W=$V\nFROM a\nUSE m\n", "V"],
])(
  "what is known before the first FROM has to be declared, and the hint says so: %s",
  (_what, text, name) => {
    expect(mistakesIn(text)).toEqual([
      expect.stringMatching(`^warning UndefinedVar .*\\| write ARG ${name} above: what is known before`),
    ]);
  },
);

test("the ARGs of a stage do not declare anything for the mixins that it uses", () => {
  expect(mistakesIn("MIXIN m\nENV W=$V\nFROM a\nARG V\nUSE m\n")).toEqual([
    expect.stringContaining("warning UndefinedVar 2:7 $V"),
  ]);
});
