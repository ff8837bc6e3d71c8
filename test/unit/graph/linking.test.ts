import { describe, expect, test } from "vitest";
import { parseReference } from "../../../src/graph/link/reference.ts";
import {
  keysOf,
  lastStage,
  mistakesIn,
  type PlanTestOptions,
  planOf,
  planText,
  shown,
} from "../../support/planned.ts";

/** The project is in /project; its neighbour is a folder with one Lightfile. */
function withBase(base: string, more: Readonly<Record<string, string>> = {}): PlanTestOptions {
  return { files: { "/base/Lightfile": base, ...more } };
}

function stagesOf(text: string, options: PlanTestOptions): readonly string[] {
  return planOf(text, options).stages.map(
    ({ index, name, base, steps }) =>
      `${index} ${name} on ${base.kind === "stage" ? base.index : "image"}: ${steps.map((step) => step.id).join(" ")}`,
  );
}

const base = "FROM debian:12 AS os\nRUN os\nFROM os AS web\nRUN web\nFROM debian:12 AS other\nRUN other\n";

describe("FROM another Lightfile", () => {
  test("takes its target as the base, and only what that needs", () => {
    expect(stagesOf("FROM ../base/Lightfile#web AS app\nRUN app\n", withBase(base))).toEqual([
      "1 base#os on image: base#os/1",
      "2 base#web on 1: base#web/1",
      "0 app on 2: app/1",
    ]);
  });

  test("without a target takes its last stage", () => {
    expect(stagesOf("FROM ../base/Lightfile\nRUN app\n", withBase(base))).toEqual([
      "3 base#other on image: base#other/1",
      "0 null on 3: 0/1",
    ]);
  });

  test("gives what a stage gives to one that is FROM it, but ARG values stay with their file's stage", () => {
    const plan = planOf(
      "FROM ../base/Lightfile\nRUN echo $A\n",
      withBase("FROM debian:12\nENV A=1\nUSER me\n"),
    );
    expect(lastStage(plan).steps[0]?.definition).toMatchObject({ environment: { A: "1" }, user: "me" });
  });

  test("gives the steps the keys that they have in their own file", async () => {
    const joined = await keysOf("FROM ../base/Lightfile#web\nRUN app\n", withBase(base));
    const alone = await keysOf(base, { target: "web" });
    expect([joined["base#os/1"], joined["base#web/1"]]).toEqual([alone["os/1"], alone["web/1"]]);
  });

  test("says of every step which file it stands in and where it reads", () => {
    const plan = planOf("FROM ../base/Lightfile\nCOPY b /b\n", withBase("FROM debian:12\nCOPY a /a\n"));
    const steps = plan.stages.flatMap((stage) => stage.steps);
    expect(
      steps.map(({ source, context }) => [source.path, context.directory, context.lightfilePath]),
    ).toEqual([
      ["../base/Lightfile", "/base", "/base/Lightfile"],
      ["Lightfile", "/project", "/project/Lightfile"],
    ]);
  });

  test("expands its reference with global arguments", () => {
    const text = "ARG WHICH=web\nARG UP=..\nFROM $UP/base/Lightfile#$WHICH\nRUN x\n";
    expect(stagesOf(text, withBase(base))[1]).toBe("2 base#web on 1: base#web/1");
  });

  test("goes on over several files, each in its own folder", () => {
    const files = {
      "/base/Lightfile": "FROM ./os/Lightfile\nRUN base\n",
      "/base/os/Lightfile": "FROM debian:12\nRUN os\n",
    };
    expect(stagesOf("FROM ../base/Lightfile\n", { files })).toEqual([
      "2 os#0 on image: os#0/1",
      "1 base#0 on 2: base#0/1",
      "0 null on 1: ",
    ]);
  });

  test("joins a file once, however often it is named", () => {
    const text = "FROM ../base/Lightfile#os AS a\nFROM ../base/Lightfile#web\nCOPY --from=a x /x\n";
    const { program } = planText(text, withBase(base));
    expect(program.files.map((file) => file.label)).toEqual([null, "base"]);
  });

  test("takes relative archives from the other file's folder", () => {
    const { references } = planText("FROM ../base/Lightfile\n", withBase("FROM ./os.tar\nRUN x\n"));
    expect(references.map(({ reference }) => reference)).toEqual(["../base/os.tar"]);
    expect(planText("FROM ./os.tar\n").references.map(({ reference }) => reference)).toEqual(["./os.tar"]);
  });

  test("points at the other file where that has a mistake", () => {
    const { diagnostics } = planText("FROM ../base/Lightfile\n", withBase("FROM debian:12\nUSER :\n"));
    expect(diagnostics.map(({ code, source }) => [code, source.path])).toEqual([
      ["InvalidUser", "../base/Lightfile"],
    ]);
  });

  test.each([
    [
      "FROM ../base/Lightfile#wbe",
      "UnknownTarget 1:6 ../base/Lightfile#wbe | ../base/Lightfile has no stage named wbe | did you mean web?",
    ],
    ["FROM --arg=X=1 debian:12", "ArgumentsWithoutLightfile 1:6 --arg=X=1 | debian:12 is an image"],
    [
      "FROM --arg=X ../base/Lightfile",
      "InvalidArgument 1:6 --arg=X | --arg needs a name and a value | write --arg=X=value",
    ],
    [
      "FROM --arg=X=1 ../base/Lightfile",
      "UnknownParameter 1:6 --arg=X=1 | no ARG of ../base/Lightfile is named X | it declares no ARG at all",
    ],
    ["FROM nothing#web", "UnknownImport 1:6 nothing#web | nothing is imported as nothing"],
  ])("%s: %s", (line, expected) => {
    const mistakes = mistakesIn(`${line}\nRUN x\n`, withBase(base));
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(expected);
  });
});

describe("arguments of another Lightfile", () => {
  const versioned = "ARG V=1\nFROM debian:12\nARG V\nRUN echo $V\n";

  test("come from --arg alone, not from the command line", () => {
    const of = (text: string) => {
      const plan = planOf(text, { ...withBase(versioned), buildArguments: { V: "9" } });
      return plan.stages[0]?.steps[0]?.variables.V;
    };
    expect(of("ARG V\nFROM ../base/Lightfile\n")).toBe("1");
    expect(of("ARG V\nFROM --arg=V=2 ../base/Lightfile\n")).toBe("2");
    expect(of("ARG V\nFROM --arg=V=$V ../base/Lightfile\n")).toBe("9");
  });

  test("make the file another one in the program", () => {
    const text = "FROM --arg=V=2 ../base/Lightfile AS two\nFROM ../base/Lightfile\nCOPY --from=two x /x\n";
    expect(stagesOf(text, withBase(versioned))).toEqual([
      "2 base#0 on image: base#0/1",
      "0 two on 2: ",
      "3 base-2#0 on image: base-2#0/1",
      "1 null on 3: 1/1",
    ]);
  });

  test("leave the proxies of the command line to every RUN", () => {
    const plan = planOf("FROM ../base/Lightfile\n", {
      ...withBase(versioned),
      buildArguments: { HTTP_PROXY: "http://proxy" },
    });
    expect(plan.stages[0]?.steps[0]?.definition).toMatchObject({ proxies: { HTTP_PROXY: "http://proxy" } });
  });
});

describe("COPY --from another Lightfile", () => {
  test("reads its target", () => {
    const plan = planOf("FROM debian:12\nCOPY --from=../base/Lightfile#web /out /in\n", withBase(base));
    expect(lastStage(plan).steps[0]?.definition).toMatchObject({ source: { kind: "stage", index: 2 } });
    expect(plan.stages.map((stage) => stage.name)).toEqual(["base#os", "base#web", null]);
  });

  test("may be named by a variable of the stage", () => {
    const text = "FROM debian:12\nARG S=web\nCOPY --from=../base/Lightfile#$S /out /in\n";
    expect(planOf(text, withBase(base)).stages).toHaveLength(3);
  });

  test("cannot be named by a variable that an image sets", () => {
    const text = "FROM debian:12\nCOPY --from=../base/Lightfile$SUFFIX#web /out /in\n";
    const options = {
      ...withBase(base, { "/base/Lightfile.x": base }),
      configuration: { environment: { SUFFIX: ".x" } },
    };
    expect(mistakesIn(text, options)).toEqual([
      "error LightfileNotRead 2:6 --from=../base/Lightfile$SUFFIX#web | the Lightfile ../base/Lightfile.x was not read | a Lightfile's name must not depend on a variable that an image sets; name it with an ARG",
    ]);
  });
});

describe("IMPORT", () => {
  test("names a Lightfile for FROM and --from", () => {
    const text =
      "IMPORT ../base/Lightfile AS tools\nFROM tools#os AS a\nFROM debian:12\nCOPY --from=tools#web x /x\nCOPY --from=a y /y\n";
    expect(planOf(text, withBase(base)).stages.map((stage) => stage.name)).toEqual([
      "tools#os",
      "a",
      "tools#web",
      null,
    ]);
  });

  test("without # means the last stage; a stage of that name comes first", () => {
    const text = (name: string) =>
      `IMPORT ../base/Lightfile AS tools\nFROM debian:12 AS ${name}\nFROM tools\n`;
    expect(planOf(text("x"), withBase(base)).stages.map((stage) => stage.name)).toEqual([
      "tools#other",
      null,
    ]);
    expect(planOf(text("tools"), withBase(base)).stages.map((stage) => stage.name)).toEqual(["tools", null]);
  });

  test("gives arguments to all that comes through it", () => {
    const versioned = "ARG V=1\nFROM debian:12\nARG V\nRUN echo $V\n";
    const text = "IMPORT --arg=V=2 ../base/Lightfile AS tools\nFROM tools\n";
    expect(planOf(text, withBase(versioned)).stages[0]?.steps[0]?.variables.V).toBe("2");
  });

  test("is not read when nothing uses it", () => {
    expect(planOf("IMPORT ../nowhere/Lightfile AS tools\nFROM debian:12\n").stages).toHaveLength(1);
  });

  test.each([
    [
      "IMPORT ../base/Lightfile AS tools\nFROM tool#os",
      "UnknownImport 2:6 tool#os | nothing is imported as tool | did you mean tools?",
    ],
    ["IMPORT debian:12 AS tools\nFROM tools", "NoLightfileReference 1:8 debian:12"],
    ["IMPORT ../base/Lightfile#web AS tools\nFROM tools", "TargetInImport 1:8 ../base/Lightfile#web"],
    ["IMPORT ../base/Lightfile AS a\nIMPORT ../base/Lightfile AS A\nFROM a", "DuplicateImport 2:29 A"],
  ])("%s: %s", (text, expected) => {
    const mistakes = mistakesIn(`${text}\nRUN x\n`, withBase(base));
    expect(mistakes.join("\n")).toContain(expected);
  });
});

describe("files that refer to each other in a circle", () => {
  test("are an error that shows each step of the way", () => {
    const files = {
      "/base/Lightfile": "FROM ../os/Lightfile\nRUN base\n",
      "/os/Lightfile": "FROM debian:12 AS start\nCOPY --from=../project/Lightfile#0 x /x\n",
      "/project/Lightfile": "FROM ../base/Lightfile\n",
    };
    const { diagnostics } = planText("FROM ../base/Lightfile\n", { files });
    expect(shown(diagnostics)).toEqual([
      "error ReferenceCycle 2:6 --from=../project/Lightfile#0 | ../project/Lightfile needs this file, which would then need itself: the files refer to each other in a circle | move what both files need into a third one",
    ]);
    expect(diagnostics[0]?.related?.map(({ message, source }) => [source.path, message])).toEqual([
      ["Lightfile", "Lightfile refers to ../base/Lightfile here"],
      ["../base/Lightfile", "../base/Lightfile refers to ../os/Lightfile here"],
    ]);
  });

  test("end also where each names the next with other arguments", () => {
    const text = "ARG N=1\nFROM --arg=N=1$N ./Lightfile\n";
    expect(mistakesIn(text, { files: { "/project/Lightfile": text } })[0]).toContain(
      "ReferenceCycle 2:18 ./Lightfile | ./Lightfile is this file itself",
    );
  });
});

describe("a reference", () => {
  test.each([
    ["./a/Lightfile#t", { file: { kind: "path", path: "./a/Lightfile" }, target: "t" }],
    ["../a", { file: { kind: "path", path: "../a" }, target: null }],
    [
      "https://host/x.git",
      { file: { url: "https://host/x.git", ref: null, path: "Lightfile" }, target: null },
    ],
    [
      "https://host/x.git#v1",
      { file: { url: "https://host/x.git", ref: "v1", path: "Lightfile" }, target: null },
    ],
    ["https://host/x#v1:a/B#t", { file: { url: "https://host/x", ref: "v1", path: "a/B" }, target: "t" }],
    ["git@host:x.git#:a/B", { file: { url: "git@host:x.git", ref: null, path: "a/B" }, target: null }],
    [
      "file:///srv/x.git##t",
      { file: { url: "file:///srv/x.git", ref: null, path: "Lightfile" }, target: "t" },
    ],
    ["tools#web", { kind: "import", name: "tools", target: "web" }],
  ])("%s is another Lightfile", (text, expected) => {
    expect(parseReference(text)).toMatchObject(expected);
  });

  test.each([
    "debian:12",
    "./os.tar",
    "../os.tar.gz",
    "host:5000/a/b@sha256:0",
    "oci:./layout",
    "/abs/Lightfile",
  ])("%s is none", (text) => {
    expect(parseReference(text)).toBeNull();
  });
});
