import { describe, expect, test } from "vitest";
import type { Word } from "../../../src/lightfile/ast.ts";
import { instructionOf, parseText } from "../../support/parse-text.ts";
import { mistakesIn } from "../../support/planned.ts";

const texts = (words: readonly Word[]): readonly string[] => words.map((word) => word.text);
const inStage = (line: string): string => `FROM base\n${line}\n`;

describe("flags", () => {
  test("stand before the arguments and end at a bare --", () => {
    const copy = instructionOf(inStage("COPY --from=x -- --odd /y"), "copy");
    expect(texts(copy.flags.map((flag) => flag.name))).toEqual(["from"]);
    expect(texts(copy.sources)).toEqual(["--odd"]);
  });

  test("lose their quotes and escapes", () => {
    const run = instructionOf(inStage('RUN --mount=type=bind,target=\'/a b\' --mount="x\\"y" z'), "run");
    expect(run.flags.map((flag) => flag.value?.text)).toEqual(["type=bind,target=/a b", 'x"y']);
  });

  test("may be switches", () => {
    const copy = instructionOf(inStage("COPY --link --parents=false a b"), "copy");
    expect(copy.flags.map((flag) => flag.value?.text ?? null)).toEqual([null, "false"]);
  });

  test.each([
    ["RUN --netwrok=none a", '2:5 UnknownFlag "--netwrok"'],
    ["CMD --help x", '2:5 UnknownFlag "--help"'],
    ["COPY --from x /y", '2:6 MissingFlagValue "--from"'],
    ["COPY --from= x /y", '2:6 MissingFlagValue "--from="'],
    ["COPY --link=maybe x /y", '2:6 InvalidFlagValue "--link=maybe"'],
    ["COPY --from=a --from=b x /y", '2:15 DuplicateFlag "--from=b"'],
    ["RUN --timeout='5s a", '2:15 UnclosedQuote "\'5s a"'],
  ])("%s is reported", (line, problem) => {
    expect(parseText(inStage(line)).problems).toEqual([problem]);
  });

  test("a misspelt one gets a suggestion", () => {
    expect(parseText(inStage("RUN --netwrok=none a")).diagnostics[0]?.hint).toBe("did you mean --network?");
  });

  test("--mount and --exclude may be repeated", () => {
    expect(parseText(inStage("RUN --mount=a --mount=b c")).problems).toEqual([]);
    expect(parseText(inStage("COPY --exclude=a --exclude=b c /d")).problems).toEqual([]);
  });
});

describe("FROM", () => {
  test("has an image and perhaps a name", () => {
    const from = instructionOf("FROM --platform=linux/arm64 debian:12 AS Build\n", "from");
    expect([from.image.text, from.alias?.text]).toEqual(["debian:12", "Build"]);
    expect(instructionOf("FROM debian:12\n", "from").alias).toBeNull();
  });

  test.each([
    ["FROM", '1:1 MissingArguments "FROM"'],
    ["FROM a b", '1:8 UnexpectedArguments "b"'],
    ["FROM a AS", '1:8 MissingArguments "AS"'],
    ["FROM a AS b c d", '1:13 UnexpectedArguments "c d"'],
    ["FROM a AS 1x", '1:11 InvalidStageName "1x"'],
  ])("%s is reported", (line, problem) => {
    expect(parseText(`${line}\nRUN x\n`).problems).toEqual([problem]);
  });
});

describe("commands", () => {
  test("a JSON array is the exec form, its strings decoded", () => {
    const cmd = instructionOf(inStage('CMD [ "a b", "\\u0041\\"" ]'), "cmd");
    expect(cmd.command).toMatchObject({ form: "exec", argv: [{ text: "a b" }, { text: 'A"' }] });
  });

  test("an empty array is allowed where it takes something back", () => {
    expect(parseText(inStage("ENTRYPOINT []")).problems).toEqual([]);
    expect(parseText(inStage("RUN []")).problems).toEqual(['2:5 MissingArguments "[]"']);
  });

  test.each([`CMD ["a", 'b']`, "CMD ['a', 'b']", "CMD ['a']", 'CMD ["a", "b",]', "CMD [a, b]"])(
    "%s looks like JSON, is none and is reported",
    (line) => {
      expect(parseText(inStage(line)).diagnostics.map((diagnostic) => diagnostic.code)).toEqual([
        "MalformedJsonArray",
      ]);
    },
  );

  test.each(["RUN [ -f a ] && b", "RUN [ -f a ] || [ -f b ]", 'RUN [ "$a" = b ]', "RUN [[ a =~ b,c ]]"])(
    "%s is a shell command",
    (line) => {
      const parsed = parseText(inStage(line));
      expect(parsed.problems).toEqual([]);
      expect(instructionOf(inStage(line), "run").command.form).toBe("shell");
    },
  );

  test("an array of other things than strings is an error", () => {
    expect(parseText(inStage('RUN ["a", 1]')).problems).toEqual(['2:5 JsonNotStrings "[\\"a\\", 1]"']);
  });

  test("SHELL takes JSON only", () => {
    expect(texts(instructionOf(inStage('SHELL ["sh", "-c"]'), "shell").argv)).toEqual(["sh", "-c"]);
    expect(parseText(inStage("SHELL sh -c")).problems).toEqual(['2:7 MalformedJsonArray "sh -c"']);
    expect(parseText(inStage("SHELL []")).problems).toEqual(['2:1 MissingArguments "SHELL"']);
  });
});

describe("COPY and ADD", () => {
  test("split at white space without regard to quotes", () => {
    const copy = instructionOf(inStage('COPY "a b" /x'), "copy");
    expect(texts(copy.sources)).toEqual(['"a', 'b"']);
  });

  test("take a JSON array for names with blanks", () => {
    const add = instructionOf(inStage('ADD ["a b", "/x y"]'), "add");
    expect([texts(add.sources), add.destination.text]).toEqual([["a b"], "/x y"]);
  });

  test("need a source and a destination", () => {
    expect(parseText(inStage("COPY")).problems).toEqual(['2:1 MissingArguments "COPY"']);
    expect(parseText(inStage("COPY a")).problems).toEqual(['2:1 MissingArguments "COPY"']);
    expect(parseText(inStage('COPY ["a"]')).problems).toEqual(['2:1 MissingArguments "COPY"']);
    expect(parseText(inStage('COPY ["a", 1]')).problems).toEqual(['2:6 JsonNotStrings "[\\"a\\", 1]"']);
    expect(parseText(inStage('VOLUME ["a", 1]')).problems).toEqual(['2:8 JsonNotStrings "[\\"a\\", 1]"']);
  });

  test.each([
    ['COPY "a b" /x', ['2:6 UnclosedQuote "\\"a b\\""']],
    ["ADD a 'b c d'/ \"e f\"", ["2:7 UnclosedQuote \"'b c d'/\"", '2:16 UnclosedQuote "\\"e f\\""']],
    ["COPY \"a\" b\\ c 'd' /x", []],
    ['COPY <<"a b" /x\nc\na b', []],
    ['COPY "a /x', []],
  ])("%s: quotes do not keep a path together, which is told once for each", (line, problems) => {
    expect(parseText(inStage(line)).problems).toEqual(problems);
    if (problems.length > 0) expect(mistakesIn(inStage(line))).toHaveLength(problems.length);
  });
});

describe("ENV, LABEL and ARG", () => {
  test("pairs keep their quotes and escapes", () => {
    const env = instructionOf(inStage('ENV A=1 B="x y" C=d\\ e F='), "env");
    expect(env.pairs.map(({ name, value }) => [name.text, value.text])).toEqual([
      ["A", "1"],
      ["B", '"x y"'],
      ["C", "d\\ e"],
      ["F", ""],
    ]);
    expect(env.legacy).toBe(false);
  });

  test("the old form takes the rest of the line as it is", () => {
    const env = instructionOf(inStage("ENV MSG it's  fine = ok"), "env");
    expect(env.pairs.map(({ name, value }) => [name.text, value.text])).toEqual([["MSG", "it's  fine = ok"]]);
    expect(env.legacy).toBe(true);
  });

  test("ARG distinguishes no default from an empty one", () => {
    const { declarations } = instructionOf("ARG a b= c=d\nFROM x\n", "arg");
    expect(declarations.map(({ name, value }) => [name.text, value?.text ?? null])).toEqual([
      ["a", null],
      ["b", ""],
      ["c", "d"],
    ]);
  });

  test.each([
    ["ENV", '2:1 MissingArguments "ENV"'],
    ["ENV A", '2:5 InvalidAssignment "A"'],
    ["ENV A=1 B", '2:9 InvalidAssignment "B"'],
    ["ENV =1", '2:5 BlankName "=1"'],
    ["ARG =1", '2:5 BlankName "=1"'],
    ['LABEL a="b c', '2:9 UnclosedQuote "\\"b c"'],
  ])("%s is reported", (line, problem) => {
    expect(parseText(inStage(line)).problems).toEqual([problem]);
  });
});

describe("instructions with one argument", () => {
  test("take the rest of the line, blanks included", () => {
    expect(instructionOf(inStage("WORKDIR /a b  "), "workdir").path.text).toBe("/a b");
    expect(instructionOf(inStage("USER me:us"), "user").user.text).toBe("me:us");
    expect(texts(instructionOf(inStage("STOPSIGNAL SIGINT"), "stopsignal").words)).toEqual(["SIGINT"]);
    expect(texts(instructionOf(inStage("MAINTAINER A <b@c>"), "maintainer").words)).toEqual(["A <b@c>"]);
  });

  test.each([
    "WORKDIR",
    "USER",
    "STOPSIGNAL",
    "MAINTAINER",
    "SNAPSHOT",
    "ONBUILD",
    "EXPOSE",
    "VOLUME",
    "RESOURCES",
    "HEALTHCHECK",
  ])("%s alone is reported", (name) => {
    expect(parseText(inStage(name)).problems).toEqual([`2:1 MissingArguments "${name}"`]);
  });
});

describe("EXPOSE, VOLUME, HEALTHCHECK and ONBUILD", () => {
  test("EXPOSE and VOLUME list words", () => {
    expect(texts(instructionOf(inStage("EXPOSE 80 443/udp"), "expose").words)).toEqual(["80", "443/udp"]);
    expect(texts(instructionOf(inStage("VOLUME /a /b"), "volume").words)).toEqual(["/a", "/b"]);
    const volume = instructionOf(inStage('VOLUME ["/a b"]'), "volume");
    expect([texts(volume.words), volume.json]).toEqual([["/a b"], true]);
  });

  test("HEALTHCHECK has a command or NONE", () => {
    const check = instructionOf(
      inStage("HEALTHCHECK --interval=5s --retries=3 CMD curl -f localhost"),
      "healthcheck",
    );
    expect(check.command).toMatchObject({ form: "shell", line: { text: "curl -f localhost" } });
    expect(texts(check.words)).toEqual(["CMD", "curl -f localhost"]);
    expect(instructionOf(inStage("HEALTHCHECK none"), "healthcheck").command).toBeNull();
    expect(parseText(inStage("HEALTHCHECK CDM x")).problems).toEqual(['2:13 UnexpectedArguments "CDM x"']);
    expect(parseText(inStage("HEALTHCHECK NONE x")).problems).toEqual(['2:18 UnexpectedArguments "x"']);
    expect(parseText(inStage("HEALTHCHECK CMD")).problems).toEqual(['2:13 MissingArguments "CMD"']);
  });

  test("ONBUILD keeps an instruction", () => {
    const onbuild = instructionOf(inStage("ONBUILD RUN --network=none a \\\n b"), "onbuild");
    expect(onbuild.trigger).toMatchObject({ kind: "run", command: { line: { text: "a  b" } } });
    expect(texts(onbuild.words)).toEqual(["RUN --network=none a  b"]);
  });

  test.each([
    ["ONBUILD FROM x", '2:9 OnbuildNotAllowed "FROM"'],
    ["ONBUILD ONBUILD RUN x", '2:9 OnbuildNotAllowed "ONBUILD"'],
    ["ONBUILD RNU x", '2:9 UnknownInstruction "RNU"'],
    ["ONBUILD COPY", '2:9 MissingArguments "COPY"'],
  ])("%s is reported", (line, problem) => {
    expect(parseText(inStage(line)).problems).toEqual([problem]);
  });
});

test("an ONBUILD too many is part of what the first one keeps, at its place", () => {
  const text = inStage("ONBUILD ONBUILD RUN x");
  const [words] = instructionOf(text, "onbuild").words;
  expect(text.slice(words?.range.start, words?.range.end)).toBe("ONBUILD RUN x");
});

describe("SNAPSHOT and RESOURCES", () => {
  test("name the stage and size its builder", () => {
    const text = inStage("RESOURCES cpus=2 memory=$MEM disk=8G\nSNAPSHOT web");
    expect(parseText(text).problems).toEqual([]);
    expect(
      instructionOf(text, "resources").settings.map(({ name, value }) => [name.text, value.text]),
    ).toEqual([
      ["cpus", "2"],
      ["memory", "$MEM"],
      ["disk", "8G"],
    ]);
    expect(instructionOf(text, "snapshot").name.text).toBe("web");
  });

  test.each([
    ["SNAPSHOT a b", '2:12 UnexpectedArguments "b"'],
    ["SNAPSHOT a\nSNAPSHOT b", '3:1 DuplicateSnapshot "SNAPSHOT b"'],
    ["RESOURCES mem=1G", '2:11 UnknownResource "mem"'],
    ["RESOURCES cpus=1 cpus=2", '2:18 DuplicateResource "cpus"'],
    ["RESOURCES cpus", '2:11 InvalidAssignment "cpus"'],
    ["RESOURCES cpus=", '2:11 InvalidAssignment "cpus="'],
  ])("%s is reported", (lines, problem) => {
    expect(parseText(inStage(lines)).problems).toEqual([problem]);
  });

  test("each stage may have a name of its own", () => {
    expect(parseText("FROM a\nSNAPSHOT x\nFROM b\nSNAPSHOT y\n").problems).toEqual([]);
  });
});
