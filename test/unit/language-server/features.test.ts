// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are substitutions of the Lightfile language
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { complete } from "../../../src/language-server/completion.ts";
import type { CompletionSources } from "../../../src/language-server/completion-context.ts";
import { foldsOf } from "../../../src/language-server/folding.ts";
import { highlightsOf } from "../../../src/language-server/highlights.ts";
import { hoverAt } from "../../../src/language-server/hover.ts";
import { type OutlineEntry, outlineOf } from "../../../src/language-server/outline.ts";
import {
  definitionsAt,
  type KnownFile,
  type Neighbours,
  referencesTo,
  subjectAt,
} from "../../../src/language-server/places.ts";
import { symbolsOf } from "../../../src/language-server/read-symbols.ts";
import { describe as describeInstruction, readReference } from "../../../src/language-server/reference.ts";
import { splitReference } from "../../../src/language-server/references-to-files.ts";
import { rename, renameableAt } from "../../../src/language-server/rename.ts";
import { variablesAt } from "../../../src/language-server/variable-places.ts";
import { expandWord, variablesIn } from "../../../src/lightfile/expand.ts";
import { ExpansionError } from "../../../src/lightfile/expansion-error.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { instructionNames, instructions, isInstructionName } from "../../../src/lightfile/reserved.ts";
import { marked } from "./marked.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

const alone: Neighbours = { find: () => undefined, all: () => [] };

const sources: CompletionSources = {
  reference: new Map(),
  otherFile: () => undefined,
  contextFolder: () => [{ name: "file", isFolder: false }],
  folder: () => [],
  rules: [],
};

function fileOf(text: string): KnownFile {
  const { value } = parseLightfile({ path: "Lightfile", text });
  return { uri: "file:///Lightfile", table: symbolsOf(value) };
}

function labelsAt(written: string): readonly string[] {
  const { text, offset } = marked(written);
  return complete(fileOf(text).table, offset, sources).map(({ label }) => label);
}

/** The words that a definition of the name at the `|` gives. */
function definedBy(written: string): readonly string[] {
  const { text, offset } = marked(written);
  return definitionsAt(fileOf(text), offset, alone).map(
    ({ range }) => `${range.start}:${text.slice(range.start, range.end)}`,
  );
}

function renamed(written: string, newName: string): string {
  const { text, offset } = marked(written);
  const renaming = rename(fileOf(text), offset, newName, alone);
  if (renaming.kind === "refused") return `refused: ${renaming.problem}`;
  let result = text;
  for (const { range } of renaming.places.toSorted((a, b) => b.range.start - a.range.start))
    result = result.slice(0, range.start) + newName + result.slice(range.end);
  return result;
}

describe("completion", () => {
  test("offers what may stand at the start of a line", () => {
    expect(labelsAt("|")).toEqual(["ARG", "FROM", "IMPORT", "MIXIN"]);
    expect(labelsAt("FROM a\n|")).toContain("SNAPSHOT");
    expect(labelsAt("MIXIN a\n|")).not.toContain("SNAPSHOT");
    expect(labelsAt("FROM a\nONBUILD |")).toEqual(expect.arrayContaining(["RUN", "COPY"]));
    expect(labelsAt("FROM a\nONBUILD |")).not.toContain("FROM");
  });

  test("knows in what instruction a continued line stands, comments in between passed over", () => {
    expect(labelsAt("FROM a\nRUN --network=none \\\n  # comment\n  --|")).toEqual(
      expect.arrayContaining(["--mount", "--timeout"]),
    );
    expect(labelsAt("FROM a\nRUN --network=none \\\n  --|")).not.toContain("--network");
    expect(labelsAt("FROM a\nRUN make \\\n  --|")).toEqual([]);
    expect(labelsAt("FROM a\nRUN make \\\\\n|")).toContain("RUN");
    expect(labelsAt("# escape=`\nFROM a\nCOPY `\n  |")).toEqual(["file"]);
  });

  test("offers the fields of a mount, and what they can be", () => {
    expect(labelsAt("FROM a\nRUN --mount=|")).toEqual(["type="]);
    expect(labelsAt("FROM a\nRUN --mount=type=|")).toContain("secret");
    expect(labelsAt("FROM a\nRUN --mount=type=cache,target=/x,|")).toContain("sharing=");
    expect(labelsAt("FROM a\nRUN --mount=type=cache,target=/x,|")).not.toContain("target=");
    expect(labelsAt("FROM a\nRUN --mount=type=cache,sharing=|")).toEqual(["shared", "private", "locked"]);
    expect(labelsAt("FROM a AS b\nFROM c\nRUN --mount=type=bind,from=|")).toEqual(["b"]);
  });

  test("offers variables that can be read at the place, closed with a brace", () => {
    const { text, offset } = marked("ARG G\nFROM a AS one\nENV E=1\nFROM one\nARG A\nRUN x ${|");
    const found = complete(fileOf(text).table, offset, sources);
    expect(found.map(({ newText }) => newText)).toEqual(["A}", "E}"]);
    expect(labelsAt("ARG G\nFROM a:$|")).toEqual(expect.arrayContaining(["G", "TARGETARCH"]));
    expect(labelsAt("FROM a\nARG A\nCOPY <<EOF /x\n$|\nEOF\n")).toEqual(["A"]);
  });

  test("offers the flags of the command behind ENV once there is to be one", () => {
    expect(labelsAt("FROM a\nENV --|")).toEqual(["--from-output"]);
    expect(labelsAt("FROM a\nENV --from-output --retry=2 --|")).toEqual([
      "--title",
      "--network",
      "--mount",
      "--timeout",
      "--no-cache",
    ]);
  });

  test("offers values of flags, settings and directives", () => {
    expect(labelsAt("FROM --platform=|")).toContain("linux/arm64");
    expect(labelsAt("ARG --required=|")).toEqual(["true", "false"]);
    expect(labelsAt("FROM a\nENV --from-output --mount=type=|")).toContain("secret");
    expect(labelsAt("FROM a\nRESOURCES cpus=2 |")).toEqual(["memory=", "disk="]);
    expect(labelsAt("# |")).toContain("escape=");
    expect(labelsAt("FROM a\nHEALTHCHECK |")).toEqual(["CMD", "NONE"]);
    expect(labelsAt("FROM a |")).toEqual(["AS"]);
    expect(labelsAt("FROM a\nCOPY --from=b |")).toEqual([]);
  });
});

describe("definitions", () => {
  test("of a variable are the nearest ones that the place can read", () => {
    expect(definedBy("ARG V=1\nFROM a:$V|")).toEqual(["4:V"]);
    expect(definedBy("FROM a\nENV V=1\nFROM b\nENV V=2\nRUN $V|")).toEqual(["26:V"]);
    expect(definedBy("FROM a AS one\nENV V=1\nFROM one\nRUN $V|")).toEqual(["18:V"]);
    expect(definedBy("ARG V\nFROM a\nARG V\nRUN $V|")).toEqual(["4:V", "17:V"]);
    expect(definedBy("FROM a\nRUN for V in 1 2; do echo $V|; done")).toEqual([]);
  });

  test("of what a mixin sets and takes", () => {
    expect(definedBy("MIXIN m\nENV V=1\nFROM a\nUSE m\nRUN $V|")).toEqual(["12:V"]);
    expect(definedBy("MIXIN m\nARG V=1\nFROM a\nUSE m\nRUN $V|")).toEqual([]);
    expect(definedBy("MIXIN m\nARG V=1\nFROM a\nUSE m V|=2")).toEqual(["12:V"]);
  });

  test("of stages go by name in any case and by number", () => {
    expect(definedBy("FROM a AS One\nFROM b\nCOPY --from=o|NE x y")).toEqual(["10:One"]);
    expect(definedBy("FROM a AS one\nFROM b\nCOPY --from=0| x y")).toEqual(["10:one"]);
    expect(definedBy("FROM a AS one\nFROM o|ne AS one\nFROM one")).toEqual(["10:one"]);
    expect(definedBy("FROM later|\nFROM a AS later")).toEqual([]);
  });
});

describe("renaming", () => {
  test("changes a variable everywhere that it is the same one", () => {
    expect(
      renamed("ARG V|=1\nFROM a:$V AS b\nARG V\nRUN echo ${V:-$V} '$V'\nFROM c\nARG W=$V\n", "NEW"),
    ).toBe("ARG NEW=1\nFROM a:$NEW AS b\nARG NEW\nRUN echo ${NEW:-$NEW} '$V'\nFROM c\nARG W=$V\n");
  });

  test("changes an import's name and a mixin's", () => {
    expect(renamed("IMPORT ./x AS y|\nFROM y#z\nUSE y#m\nCOPY --from=y#z a b\n", "lib")).toBe(
      "IMPORT ./x AS lib\nFROM lib#z\nUSE lib#m\nCOPY --from=lib#z a b\n",
    );
    expect(renamed("FROM a\nUSE m|\nMIXIN M\nRUN x\n", "tools")).toBe(
      "FROM a\nUSE tools\nMIXIN tools\nRUN x\n",
    );
  });

  test("leaves a stage's number alone", () => {
    expect(renamed("FROM a AS one|\nFROM b\nCOPY --from=0 x y\nCOPY --from=one x y\n", "two")).toBe(
      "FROM a AS two\nFROM b\nCOPY --from=0 x y\nCOPY --from=two x y\n",
    );
    expect(renamed("FROM a AS one\nFROM b\nCOPY --from=0| x y\n", "two")).toMatch(/^refused/);
  });

  test("refuses a name that is taken where the two would meet", () => {
    expect(renamed("FROM a\nARG V|=1\nENV W=2\n", "W")).toBe("refused: there is a variable named W already");
    expect(renamed("FROM a\nARG V|=1\nFROM b\nENV W=2\n", "W")).toBe("FROM a\nARG W=1\nFROM b\nENV W=2\n");
    expect(renamed("FROM debian|\n", "x")).toMatch(/^refused/);
  });
});

test("the reference is cut at the headings that name instructions, and a flag's text is found in it", () => {
  const reference = readReference(
    "# R\n\n## RUN\n\nRuns.\n\n| flag | |\n|---|---|\n| `--retry=3` | again \\| again |\n\n## Lines\n\nx\n\n## CMD and ENTRYPOINT\n\nBoth.\n",
  );
  expect([...reference.keys()]).toEqual(["RUN", "CMD", "ENTRYPOINT"]);
  expect(describeInstruction(reference, "CMD")).toBe("Both.");
  expect(describeInstruction(reference, "RUN", "retry")).toContain("again \\| again");
  expect(describeInstruction(new Map(), "RUN", "retry")).toContain("--retry=value");
});

test("docs/lightfile.md has a section for every instruction, and a text for every flag", () => {
  const reference = readReference(readFileSync(join(repository, "docs/lightfile.md"), "utf8"));
  const silent: string[] = [];
  for (const name of instructionNames.filter(isInstructionName)) {
    if (!reference.has(name)) silent.push(name);
    const bare = (flag: string) => describeInstruction(new Map(), name, flag);
    for (const flag of Object.keys(instructions[name].flags)) {
      if (describeInstruction(reference, name, flag) === bare(flag)) silent.push(`${name} --${flag}`);
    }
  }
  expect(silent).toEqual([]);
});

test.each([
  ["../a/Lightfile#b", { file: "../a/Lightfile", target: "b", isFile: true }],
  ["./a", { file: "./a", target: null, isFile: true }],
  ["name#b", { file: "name", target: "b", isFile: false }],
  [
    "https://host/x.git#main:dir/Lightfile#b",
    { file: "https://host/x.git#main:dir/Lightfile", target: "b", isFile: true },
  ],
  ["git@host:x.git#main", { file: "git@host:x.git#main", target: null, isFile: true }],
  ["debian:12", { file: "debian:12", target: null, isFile: false }],
])("%s is split as the planner splits it", (text, expected) => {
  expect(splitReference(text)).toEqual(expected);
});

test("the places of variables are those that the expansion reads", () => {
  const piece = fc.constantFrom(
    "$A",
    "${B}",
    "${C:-",
    "}",
    "$",
    "${",
    "'",
    '"',
    "\\",
    "x",
    " ",
    "${D:+$E}",
    "\\$F",
    "${G/a/b}",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const word = pieces.join("");
      let isWhole = true;
      try {
        expandWord(word, () => "value", { escape: "\\" });
      } catch (error) {
        // A word that cannot be expanded is read up to its mistake only.
        if (!(error instanceof ExpansionError)) throw error;
        isWhole = false;
      }
      fc.pre(isWhole && !/\$\{[^}]*['"\\]/.test(word));
      const found = variablesAt(word, { start: 0, end: word.length }, { escape: "\\", quoting: "word" });
      for (const { name, range } of found) expect(word.slice(range.start, range.end)).toBe(name);
      expect([...new Set(found.map(({ name }) => name))].toSorted()).toEqual(
        [...variablesIn(word, { escape: "\\" })].toSorted(),
      );
    }),
    { numRuns: 2000 },
  );
});

/** All texts of the goldens and examples. */
function corpus(): readonly string[] {
  return ["examples", "test/golden/lightfile"].flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name === "Lightfile")
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
  );
}

/** What holds for every feature on every text. */
function checkFeatures(text: string, offsets: readonly number[]): void {
  const file = fileOf(text);
  const { tree } = file.table;
  const isInside = ({ start, end }: { start: number; end: number }) =>
    0 <= start && start <= end && end <= text.length;
  let last = 0;
  for (const { range } of highlightsOf(tree)) {
    expect(isInside(range) && range.start >= last).toBe(true);
    last = range.end;
  }
  const visit = (entry: OutlineEntry): void => {
    expect(isInside(entry.range)).toBe(true);
    expect(entry.range.start <= entry.nameRange.start && entry.nameRange.end <= entry.range.end).toBe(true);
    expect(entry.name).not.toBe("");
    entry.children.forEach(visit);
  };
  outlineOf(tree).forEach(visit);
  for (const { firstLine, lastLine } of foldsOf(tree)) expect(firstLine).toBeLessThan(lastLine);
  for (const offset of offsets) {
    for (const { range } of complete(file.table, offset, sources))
      expect(isInside(range) && range.end === offset).toBe(true);
    const hover = hoverAt(file, offset, { reference: new Map(), neighbours: alone });
    if (hover !== undefined) expect(hover.range.start <= offset && offset <= hover.range.end).toBe(true);
    definitionsAt(file, offset, alone);
    const subject = subjectAt(file, offset, alone);
    const name = renameableAt(file, offset, alone);
    if (subject === undefined || name === undefined) continue;
    const places = referencesTo(subject, { withDefinitions: true, neighbours: alone });
    expect(places.map(({ range }) => range)).toContainEqual(name.range);
  }
}

describe("every feature", () => {
  test("works at every place of the goldens and examples", () => {
    for (const text of corpus())
      checkFeatures(
        text,
        Array.from({ length: text.length + 1 }, (_, offset) => offset),
      );
  });

  test("gives a name to what has an empty one", () => {
    const { tree } = fileOf('FROM a\nRUN --title="" ""\nRUN [""]\nENV ""=x\nRUN true\n').table;
    const names = outlineOf(tree).flatMap(({ children }) => children.map(({ name }) => name));
    expect(names).not.toContain("");
    expect(names).toContain("RUN");
    expect(names.at(-1)).toBe("true");
  });

  test("does not give a stage the name of another one that it is FROM", () => {
    const { tree } = fileOf("FROM a AS builder\nRUN b\nFROM builder\nRUN c\n").table;
    expect(outlineOf(tree).map(({ name, detail }) => [name, detail])).toEqual([
      ["builder", "FROM a"],
      ["FROM builder", ""],
    ]);
  });

  test("works on half-written text", () => {
    const texts = corpus();
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.nat(),
        fc.constantFrom("", "$", "${", "--", "<<EOF", '"', "\\", "\n", "#", "ONBUILD ", "FROM ", "USE x#"),
        (text, where, length, insert) => {
          const at = where % (text.length + 1);
          const mutated = text.slice(0, at) + insert + text.slice(at + (length % 20));
          checkFeatures(mutated, [0, at, Math.min(mutated.length, at + insert.length), mutated.length]);
        },
      ),
      { numRuns: 500 },
    );
  });
});
