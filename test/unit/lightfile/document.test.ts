import { readdirSync, readFileSync, statSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "../../../src/lightfile-api.ts";
import { nastyLightfiles } from "../../support/nasty-lightfiles.ts";

const root = new URL("../../../", import.meta.url);
const schema: unknown = JSON.parse(readFileSync(new URL("grammar/lightfile.schema.json", root), "utf8"));
if (typeof schema !== "object" || schema === null) throw new Error("the schema is no object");
const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);

const lightfiles = ["examples", "test/golden"].flatMap((folder) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
    .map((path) => `${folder}/${path}`)
    .filter((path) => path.endsWith("Lightfile") && statSync(new URL(path, root)).isFile()),
);

function problemsOf(text: string): unknown {
  // As it arrives elsewhere: what JSON cannot hold is gone.
  validate(JSON.parse(JSON.stringify(parse(text))));
  return validate.errors;
}

describe("grammar/lightfile.schema.json", () => {
  test("there are examples and golden files to hold against it", () => {
    expect(lightfiles.length).toBeGreaterThan(15);
  });

  test.each(lightfiles)("allows what is printed of %s", (path) => {
    expect(problemsOf(readFileSync(new URL(path, root), "utf8"))).toBeNull();
  });

  test.each(Object.entries(nastyLightfiles(300)))("allows what is printed of %s", (_shape, text) => {
    expect(problemsOf(text)).toBeNull();
  });

  test("allows nothing else", () => {
    const document = parse("# escape=`\nFROM a\nRNU <<X\nX\n");
    expect(validate(document)).toBe(true);
    expect(validate({ ...document, more: 1 })).toBe(false);
    expect(validate({ ...document, diagnostics: undefined })).toBe(false);
    const [instruction] = document.instructions;
    expect(validate({ ...document, instructions: [{ ...instruction, form: "exec" }] })).toBe(false);
    expect(validate({ ...document, instructions: [{ ...instruction, args: [1] }] })).toBe(false);
  });
});

test("docs/syntax-tree.md shows what is printed of its example", () => {
  const page = readFileSync(new URL("docs/syntax-tree.md", root), "utf8");
  const blockOf = (language: string): string =>
    new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)?.[1] ?? "";
  expect(JSON.parse(blockOf("json"))).toEqual(parse(blockOf("dockerfile")));
});

/** The arguments of the last instruction of a text. */
const lastArguments = (line: string) => parse(`FROM a\n${line}\n`).instructions.at(-1)?.args;

describe("the arguments of", () => {
  test.each([
    ["FROM --platform=linux/amd64 debian:12 as Build", ["debian:12", "as", "Build"]],
    ['RUN  echo "a  b" && \\\n  c  ', ['echo "a  b" &&   c']],
    ['RUN ["a", "\\u0062 c"]', ["a", "b c"]],
    ["CMD a 'b'", ["a 'b'"]],
    ["ENTRYPOINT ['a' b", ["['a' b"]],
    ["ENV A='1 2' B=\\$x", ["A", "'1 2'", "B", "\\$x"]],
    ["ENV A all  the rest", ["A", "all  the rest"]],
    ['LABEL "a b"=c d=', ['"a b"', "c", "d", ""]],
    ["ARG A B=1 C=", ["A", "B=1", "C="]],
    ["COPY --chown=a:b <<X <<-'Y' src /to/\nX\nY", ["<<X", "<<-'Y'", "src", "/to/"]],
    ['COPY ["a b", "/c"]', ["a b", "/c"]],
    ["WORKDIR /a b", ["/a b"]],
    ["EXPOSE 80 90/udp", ["80", "90/udp"]],
    ["HEALTHCHECK cmd a b", ["cmd", "a b"]],
    ['HEALTHCHECK CMD ["a", "b"]', ["CMD", "a", "b"]],
    ["HEALTHCHECK NONE", ["NONE"]],
    ["ONBUILD RUN a  b", ["RUN a  b"]],
    ["RESOURCES cpus=2 memory=1G", ["cpus=2", "memory=1G"]],
    ["USE m A=1 B='2 3'", ["m", "A=1", "B='2 3'"]],
    ["ENV --from-output A date  +%s", ["A", "date  +%s"]],
    ["FORM a 'b c'", ["a", "'b", "c'"]],
    ["COPY one", ["one"]],
    ["ENV A=1 \\\n  # why\n B=2", ["A", "1", "B", "2"]],
  ])("%j are %j", (line, expected) => {
    expect(lastArguments(line)).toEqual(expected);
  });
});

describe("the rest of the document", () => {
  test("has keywords in capitals, flags without quotes, forms and heredocs", () => {
    const text = "from a\nrun --mount='type=cache,target=/x y' --no-cache <<-\"E\"\n\tx\r\n\tE\n";
    expect(parse(text).instructions[1]).toEqual({
      keyword: "RUN",
      flags: [
        { name: "mount", value: "type=cache,target=/x y" },
        { name: "no-cache", value: null },
      ],
      args: ['<<-"E"'],
      form: "shell",
      heredocs: [{ delimiter: "E", body: "x\n", expand: false, stripTabs: true }],
      range: { start: { line: 2, column: 1 }, end: { line: 4, column: 3 } },
    });
  });

  test("has directives and diagnostics with lines and columns from 1", () => {
    const { directives, diagnostics } = parse("# Escape = `\nFROM a\n RNU x\n");
    expect(directives).toEqual([
      { name: "escape", value: "`", range: { start: { line: 1, column: 1 }, end: { line: 1, column: 13 } } },
    ]);
    expect(diagnostics).toEqual([
      {
        code: "UnknownInstruction",
        severity: "error",
        message: 'unknown instruction "RNU"',
        range: { start: { line: 3, column: 2 }, end: { line: 3, column: 5 } },
        hint: "did you mean RUN?",
      },
    ]);
  });

  test("leaves out the warnings that the file skips", () => {
    const text = "FROM a\nRUN x \\\n\n y\n";
    expect(parse(text).diagnostics.map(({ code }) => code)).toEqual(["NoEmptyContinuation"]);
    expect(parse(`# check=skip=NoEmptyContinuation\n${text}`).diagnostics).toEqual([]);
  });
});

test.each([
  ["ENV x=1 y", ["x=1", "y"]],
  ["USE m a=1 b", ["m", "a=1", "b"]],
  ["ONBUILD ONBUILD RUN x", ["ONBUILD RUN x"]],
  ["HEALTHCHECK NONE x", ["NONE", "x"]],
  ["CMD [1,2]", ["[1,2]"]],
  ['HEALTHCHECK CMD ["a",1]', ["CMD", '["a",1]']],
])("the words of a line with a mistake are all there: %s", (line, args) => {
  const { instructions, diagnostics } = parse(`FROM a\nENV v=1\n${line}\nENV w=1\n`);
  expect(diagnostics).toHaveLength(1);
  expect(instructions.map((instruction) => instruction.args)).toEqual([["a"], ["v", "1"], args, ["w", "1"]]);
  expect(instructions[2]).toMatchObject({ form: "shell" });
});

test("a bare -- that several continuations follow ends the flags", () => {
  expect(parse("FROM a\nADD -- \\\n\\\n a /b\n").instructions[1]?.args).toEqual(["a", "/b"]);
  expect(parse("FROM a\nADD --\\\n\\\n# c\n a /b\n").instructions[1]?.args).toEqual(["a", "/b"]);
});
