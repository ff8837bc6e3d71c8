import { describe, expect, test } from "vitest";
import {
  definitionsOf,
  keysOf,
  lastStage,
  mistakesIn,
  type PlanTestOptions,
  planOf,
  planText,
  shown,
} from "../../support/planned.ts";

const tools = `MIXIN node
ARG VERSION=20
ARG PACKAGES
ENV NODE_VERSION=$VERSION
WORKDIR /srv
RUN install node $VERSION $PACKAGES
`;

function commandsOf(text: string, options: PlanTestOptions = {}): readonly string[] {
  return definitionsOf(text, options).flatMap((definition) =>
    definition.kind === "run" && definition.command.kind === "argv"
      ? [definition.command.argv.at(-1) ?? ""]
      : [],
  );
}

describe("USE", () => {
  test("puts a mixin's instructions in place", async () => {
    const used = await keysOf(`${tools}FROM debian:12\nUSE node VERSION=22 PACKAGES="a b"\nRUN end\n`);
    const written = await keysOf(
      'MIXIN x\nARG VERSION\nARG PACKAGES\nENV NODE_VERSION=$VERSION\nWORKDIR /srv\nRUN install node $VERSION $PACKAGES\nFROM debian:12\nUSE x VERSION=22 PACKAGES="a b"\nRUN end\n',
    );
    expect(Object.keys(used)).toEqual(["0/1", "0/2"]);
    expect(used).toEqual(written);
  });

  test("gives its parameters to the mixin only; what the mixin sets for the stage stays", () => {
    const plan = planOf(`${tools}FROM debian:12\nUSE node VERSION=22\nRUN echo $NODE_VERSION\n`);
    const [install, end] = lastStage(plan).steps.map((step) => step.definition);
    expect(install).toMatchObject({ environment: { VERSION: "22", NODE_VERSION: "22" } });
    expect(end).toMatchObject({ environment: { NODE_VERSION: "22" }, workingDirectory: "/srv" });
    expect(end).not.toHaveProperty("environment.VERSION");
    expect(lastStage(plan).configuration.environment).toMatchObject({ NODE_VERSION: "22" });
  });

  test("hides the stage's ARGs from the mixin, so that it means the same everywhere", () => {
    const text = `${tools}FROM debian:12\nARG PACKAGES=leaked\nARG OTHER=x\nUSE node\n`;
    const [install] = definitionsOf(text);
    expect(install).not.toHaveProperty("environment.PACKAGES");
    expect(install).not.toHaveProperty("environment.OTHER");
    expect(install).toMatchObject({ environment: { VERSION: "20" } });
  });

  test("does not take a mixin's parameter from the command line", () => {
    const [install] = definitionsOf(`${tools}FROM debian:12\nUSE node\n`, {
      buildArguments: { VERSION: "9" },
    });
    expect(install).toMatchObject({ environment: { VERSION: "20" } });
  });

  test("expands its values with the stage's variables", () => {
    const [install] = definitionsOf(`${tools}FROM debian:12\nARG V=7\nUSE node VERSION=$V.1\n`);
    expect(install).toMatchObject({ environment: { VERSION: "7.1" } });
  });

  test("may take its values from the image's environment", () => {
    const text = "MIXIN copy\nARG TO\nCOPY a $TO\nFROM debian:12\nUSE copy TO=$HOME_OF_IMAGE\n";
    const options = { configuration: { environment: { HOME_OF_IMAGE: "/home/me/" } } };
    expect(planText(text, options).earlyDiagnostics).toEqual([]);
    expect(definitionsOf(text, options)).toMatchObject([{ destination: "/home/me" }]);
    expect(mistakesIn(text)).toEqual([
      expect.stringContaining("warning UndefinedVar 5:13 $HOME_OF_IMAGE"),
      expect.stringContaining("error BlankPath 3:8 $TO"),
    ]);
  });

  test("may stand in a mixin", () => {
    const text = `${tools}MIXIN app\nARG V\nUSE node VERSION=$V\nRUN app\nFROM debian:12\nUSE app V=3\n`;
    expect(commandsOf(text)).toEqual(["install node $VERSION $PACKAGES", "app"]);
    expect(definitionsOf(text)[0]).toMatchObject({ environment: { VERSION: "3" } });
    expect(definitionsOf(text)[1]).not.toHaveProperty("environment.VERSION");
  });

  test("has a title, which the steps then begin with", () => {
    const plan = planOf(`${tools}FROM debian:12\nUSE --title="Install node" node\n`);
    expect(lastStage(plan).steps.map((step) => step.title)).toEqual([
      "Install node: RUN install node $VERSION $PACKAGES",
    ]);
  });

  test.each([
    ["USE nod", "UnknownMixin 7:5 nod | no mixin is named nod | did you mean node?"],
    [
      "USE node VERSIN=1",
      "UnknownParameter 7:10 VERSIN | mixin node has no parameter VERSIN | did you mean VERSION?",
    ],
    ["USE tools#node", "UnknownImport 7:5 tools#node | nothing is imported as tools"],
  ])("%s: %s", (line, expected) => {
    const mistakes = mistakesIn(`${tools.trimEnd()}\nFROM debian:12\n${line}\n`.replace("MIXIN", "MIXIN"));
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]?.replace(/ 8:/, " 7:")).toContain(expected);
  });
});

describe("a name that nothing has", () => {
  const unknown = expect.stringContaining("UnknownMixin 5:5 atp | no mixin is named atp | did you mean apt?");

  test.each([
    ["an unknown instruction", "RNU x"],
    ["an instruction without its arguments", "COPY x"],
    ["a heredoc that is never closed", "RUN <<EOF\nx"],
    ["an IMPORT of another name", "IMPROT ./x AS y"],
  ])("is told of beside %s", (_title, line) => {
    const mistakes = mistakesIn(`MIXIN apt\nRUN x\nFROM debian:12\nRUN y\nUSE atp\n${line}\n`);
    expect(mistakes).toHaveLength(2);
    expect(mistakes).toContainEqual(unknown);
  });

  test.each([
    ["a MIXIN with a misspelt instruction", "MIXN atp\nRUN x\nFROM debian:12\nUSE atp\n"],
    ["a MIXIN without a name", "MIXIN\nRUN x\nFROM debian:12\nUSE atp\n"],
    ["a MIXIN in a heredoc that is never closed", "FROM debian:12\nUSE atp\nRUN <<EOF\nMIXIN Atp\nRUN x\n"],
    ["a misspelt IMPORT", "IMPROT ./x AS atp\nFROM debian:12\nUSE atp#os\n"],
    ["an IMPORT without a name", "IMPORT ./x\nFROM debian:12\nUSE atp#os\n"],
  ])("may be that of %s", (_title, text) => {
    expect(mistakesIn(text)).not.toContainEqual(expect.stringMatching(/ Unknown(?:Mixin|Import) /));
  });
});

describe("a parameter", () => {
  const mixin =
    "MIXIN apt\nARG --required n\nARG --type=int port\nARG --choices=dev,prod mode=dev\nRUN x $n\n";
  const stage = `${mixin}FROM debian:12\n`;

  test("that is required and not given is the mistake of the USE, which the hint completes", () => {
    const { diagnostics, earlyDiagnostics } = planText(`${stage}USE apt port=1\n`);
    const missing =
      "error ArgumentRequired 7:5 apt | the mixin needs a value for n, and this USE gives none | write USE apt n=…";
    expect(shown(diagnostics)).toEqual([missing]);
    expect(shown(earlyDiagnostics)).toEqual([missing]);
    expect(diagnostics[0]?.related).toMatchObject([{ message: "n is declared here", range: { start: 25 } }]);
    expect(mistakesIn(`${stage}USE apt\n`, { buildArguments: { n: "1" } })).toEqual([missing]);
  });

  test.each([
    [
      "USE apt n=a port=x",
      'error WrongArgumentType 7:18 x | "x" is no int | write a whole number, e.g. 8080',
    ],
    [
      "USE apt n=a mode=prd",
      'error ArgumentNotAChoice 7:18 prd | "prd" is none of the choices for mode | did you mean prod?',
    ],
  ])("is marked where a wrong value stands: %s", (line, expected) => {
    const { diagnostics } = planText(`${stage}${line}\n`);
    expect(shown(diagnostics)).toEqual([expected]);
    expect(diagnostics[0]?.related).toMatchObject([{ message: expect.stringContaining("is declared here") }]);
  });

  test("of a mixin that another one uses is marked in that one, with the way there", () => {
    const { diagnostics } = planText(`${mixin}MIXIN m\nUSE apt\nFROM debian:12\nUSE m\n`);
    expect(shown(diagnostics)).toEqual([expect.stringContaining("error ArgumentRequired 7:5 apt")]);
    expect(diagnostics[0]?.related).toMatchObject([
      { message: "n is declared here" },
      { message: "mixin m is used here" },
    ]);
  });
});

describe("a mistake in a mixin", () => {
  const broken = "MIXIN m\nARG WHO=:\nUSER $WHO\nFROM debian:12\nUSE m\nUSE m\n";

  test("is told once, with the place that uses it", () => {
    const { diagnostics } = planText(broken);
    expect(shown(diagnostics)).toEqual([expect.stringContaining("error InvalidUser 3:6 $WHO")]);
    expect(diagnostics[0]?.related).toMatchObject([
      { message: "mixin m is used here", range: { start: 43 } },
    ]);
  });

  test("is told of a mixin that nothing uses, where no parameter can mend it", () => {
    expect(
      mistakesIn(
        "MIXIN m\nARG A\nRUN --network=none --network=none x\nEXPOSE no\nUSER $A:\nUSE n\nFROM debian:12\n",
      ),
    ).toEqual([
      expect.stringContaining("error DuplicateFlag"),
      expect.stringContaining("error InvalidPort 4:8 no"),
      expect.stringContaining("error UnknownMixin 6:5 n"),
    ]);
    expect(
      shown(planText("MIXIN m\nARG A\nEXPOSE no\nUSER $A:\nUSE n\nFROM debian:12\n").earlyDiagnostics),
    ).toEqual([
      expect.stringContaining("error InvalidPort 3:8 no"),
      expect.stringContaining("error UnknownMixin 5:5 n"),
    ]);
  });

  test("can be that mixins use each other in a circle", () => {
    const text = "MIXIN a\nUSE b\nMIXIN b\nUSE c\nMIXIN c\nUSE b\nFROM debian:12\nUSE a\n";
    const { earlyDiagnostics } = planText(text);
    expect(shown(earlyDiagnostics)).toEqual([
      "error ReferenceCycle 6:1 USE b | the mixins use each other in a circle: b → c → b | take one of these USEs out",
    ]);
    expect(earlyDiagnostics[0]?.related?.map(({ message }) => message)).toEqual([
      "mixin c is used here",
      "mixin b is used here",
      "mixin a is used here",
    ]);
    expect(shown(planText(text.replace("USE a\n", "RUN x\n")).earlyDiagnostics)).toHaveLength(1);
  });
});

describe("mixins that use others", () => {
  test("may not become more than anyone can mean", () => {
    const levels = Array.from(
      { length: 30 },
      (_, level) => `MIXIN m${level}\nUSE m${level + 1}\nUSE m${level + 1}\n`,
    );
    const text = `${levels.join("")}MIXIN m30\nRUN x\nFROM debian:12\nUSE m0\n`;
    expect(mistakesIn(text)[0]).toContain("error TooManyMixins");
  });

  test("may not stand within each other without end", () => {
    const levels = Array.from({ length: 2000 }, (_, level) => `MIXIN m${level}\nUSE m${level + 1}\n`);
    const text = `${levels.join("")}MIXIN m2000\nRUN x\nFROM debian:12\nUSE m0\n`;
    expect(mistakesIn(text)[0]).toContain("error TooManyMixins");
  });
});

describe("a mixin of another file", () => {
  const imported =
    "ARG DEFAULT=d\nMIXIN files\nARG DEFAULT\nARG TO=/x/\nCOPY conf $TO\nRUN echo $DEFAULT\nFROM debian:12 AS made\nRUN made\nMIXIN from\nCOPY --from=made /out /in\n";
  const options = { files: { "/tools/Lightfile": imported } };
  const head = "IMPORT ../tools/Lightfile AS tools\n";

  test("reads the files of its own folder and the global arguments of its own file", () => {
    const plan = planOf(`${head}FROM debian:12\nUSE tools#files TO=/y/\n`, options);
    const [copy, run] = lastStage(plan).steps;
    expect(copy).toMatchObject({ context: { directory: "/tools" }, source: { path: "../tools/Lightfile" } });
    expect(copy?.definition).toMatchObject({ destination: "/y" });
    expect(run?.definition).toMatchObject({ environment: { DEFAULT: "d" } });
    expect(lastStage(plan).steps.map((step) => step.id)).toEqual(["0/1", "0/2"]);
  });

  test("takes what the IMPORT gives to its file", () => {
    const text = "IMPORT --arg=DEFAULT=e ../tools/Lightfile AS tools\nFROM debian:12\nUSE tools#files\n";
    expect(definitionsOf(text, options)[1]).toMatchObject({ environment: { DEFAULT: "e" } });
  });

  test("copies from stages of its own file", () => {
    const plan = planOf(`${head}FROM debian:12 AS made\nUSE tools#from\n`, options);
    expect(plan.stages.map((stage) => stage.name)).toEqual(["tools#made", "made"]);
  });

  test("is suggested when its name is misspelt", () => {
    expect(mistakesIn(`${head}FROM debian:12\nUSE tools#file\n`, options)).toEqual([
      "error UnknownMixin 3:5 tools#file | ../tools/Lightfile has no mixin named file | did you mean files?",
    ]);
  });
});
