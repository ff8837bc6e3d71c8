import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import oniguruma from "vscode-oniguruma";
import textmate, { type IGrammar } from "vscode-textmate";
import { grammarText } from "../../../grammar/textmate/grammar.ts";
import { positionAt } from "../../../src/diagnostics/source-file.ts";
import { type HighlightType, highlightsOf } from "../../../src/language-server/highlights.ts";
import { variableUses } from "../../../src/language-server/variable-uses.ts";
import type { Instruction } from "../../../src/lightfile/ast.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const grammarPath = join(repository, "grammar/lightfile.tmLanguage.json");

async function loadGrammar(): Promise<IGrammar> {
  const entry = createRequire(import.meta.url).resolve("vscode-oniguruma");
  await oniguruma.loadWASM(readFileSync(join(dirname(entry), "onig.wasm")));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(readFileSync(grammarPath, "utf8"), grammarPath),
  });
  const grammar = await registry.loadGrammar("source.lightfile");
  if (grammar === null) throw new Error("the grammar could not be loaded");
  return grammar;
}

const grammar = await loadGrammar();

interface Token {
  readonly start: number;
  readonly end: number;
  readonly scopes: readonly string[];
}

/** Tokens with offsets in the whole text. */
function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let state = textmate.INITIAL;
  let lineStart = 0;
  for (const line of text.split("\n")) {
    const result = grammar.tokenizeLine(line, state);
    state = result.ruleStack;
    for (const { startIndex, endIndex, scopes } of result.tokens)
      tokens.push({ start: lineStart + startIndex, end: lineStart + endIndex, scopes });
    lineStart += line.length + 1;
  }
  return tokens;
}

/** The scope that each kind of text has to have. */
const wanted: Readonly<Partial<Record<HighlightType, RegExp>>> = {
  keyword: /^keyword\.other\.(?:instruction|separator)\./,
  property: /^entity\.other\.attribute-name\.flag\./,
  comment: /^comment\.line\./,
  macro: /^meta\.directive\.|^keyword\.other\.directive\.|directive\.lightfile$/,
  variable: /^variable\./,
  operator: /^entity\.name\.heredoc\./,
  string: /^string\.quoted\.double\.|^constant\.character\.escape\.|^variable\.|^punctuation\./,
};

interface Expectation {
  readonly at: number;
  readonly type: HighlightType;
}

/** The first and last characters of what the parser finds. */
function expectations(text: string): readonly Expectation[] {
  const { value: tree } = parseLightfile({ path: "Lightfile", text });
  const isKnown = (range: { start: number }): boolean =>
    !tree.instructions.some(
      (instruction) =>
        (instruction.kind === "invalid" || instruction.kind === "onbuild") &&
        instruction.range.start <= range.start &&
        range.start < instruction.range.end,
    );
  const inShell = (instruction: Instruction) =>
    variableUses(instruction, tree)
      .filter(({ byShell }) => byShell)
      .map(({ range }) => ({ range, type: "variable" as const }));
  return (
    [...highlightsOf(tree), ...tree.instructions.flatMap(inShell)]
      .filter(({ range, type }) => wanted[type] !== undefined && isKnown(range))
      // References to other files are coloured as strings by their meaning; the grammar knows quoted ones only.
      .filter(({ range, type }) => type !== "string" || text.charAt(range.start) === '"')
      // A grammar that works line by line cannot see that a word goes on behind a continuation.
      .filter(({ range }) => !text.slice(range.start, range.end).includes("\n"))
      .flatMap(({ range, type }) => [
        { at: range.start, type },
        { at: range.end - 1, type },
      ])
  );
}

/** What the grammar says otherwise than the parser, readable. */
function disagreements(text: string): readonly string[] {
  const tokens = tokenize(text);
  const source = { path: "Lightfile", text };
  const { value: tree } = parseLightfile(source);
  const place = (offset: number): string => {
    const { line, column } = positionAt(source, offset);
    return `${line}:${column} ${JSON.stringify(text.slice(offset, offset + 12))}`;
  };
  const found: string[] = [];
  for (const { at, type } of expectations(text)) {
    const token = tokens.find(({ start, end }) => start <= at && at < end);
    const scopes = token?.scopes.slice(1) ?? [];
    if (!scopes.some((scope) => wanted[type]?.test(scope)))
      found.push(`${place(at)} is no ${type}: ${scopes.join(" ")}`);
  }
  const keywords = new Set(tree.instructions.flatMap(keywordsOf));
  const comments = new Set(tree.comments.map(({ range }) => range.start));
  for (const { start, scopes } of tokens) {
    const last = scopes.at(-1) ?? "";
    if (last.startsWith("keyword.other.instruction.") && !keywords.has(start))
      found.push(`${place(start)} is no instruction`);
    if (last.startsWith("comment.line.") && !comments.has(start)) found.push(`${place(start)} is no comment`);
  }
  return found;
}

function keywordsOf(instruction: Instruction): readonly number[] {
  const own = instruction.keyword.range.start;
  return instruction.kind === "onbuild" ? [own, ...keywordsOf(instruction.trigger)] : [own];
}

function lightfilesBelow(folder: string): readonly string[] {
  const files = readdirSync(join(repository, folder), { recursive: true, withFileTypes: true });
  return files
    .filter((entry) => entry.isFile() && /^(?:Lightfile|Dockerfile)(?:\..*)?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The parser reads nothing of a file that is no text. */
function isText(path: string): boolean {
  return !/\/(?:no-text|not-utf8)\//.test(path);
}

test("grammar/lightfile.tmLanguage.json is what `node grammar/make-textmate.ts` makes now", () => {
  expect(readFileSync(grammarPath, "utf8") === grammarText()).toBe(true);
});

describe("the TextMate grammar agrees with the parser", () => {
  const files = [
    ...lightfilesBelow("examples"),
    ...lightfilesBelow("test/golden/lightfile").filter(isText),
    join(repository, "Lightfile.example"),
  ];

  test.each(files.map((file) => file.slice(repository.length)))("on %s", (file) => {
    expect(disagreements(readFileSync(join(repository, file), "utf8"))).toEqual([]);
  });

  test("on the examples of the reference", () => {
    const page = readFileSync(join(repository, "docs/lightfile.md"), "utf8");
    const examples = [...page.matchAll(/^```lightfile\n([\s\S]*?)^```/gim)].map((match) => match[1] ?? "");
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(disagreements(example)).toEqual([]);
  });

  test.each([
    ["names in any case", "from a as b\nrun x\nCoPy --from=b c d\n"],
    ["no instruction in a continued line", "RUN a \\\n  RUN b \\\n\n# comment\n  COPY c\nRUN d\n"],
    ["a doubled escape character, which does not continue", "RUN a \\\\\nRUN b\n"],
    ["backticks as escape characters", "# escape=`\nRUN a `\n RUN b\nCOPY c\\ d\\\nRUN e\n"],
    ["directives behind the one for backticks", "# escape=`\n# check=skip=all\n# comment\nRUN a `\n b\n"],
    ["a directive that comes too late", "# comment\n# escape=`\nRUN a `\nRUN b\n"],
    ["heredocs whose bodies look like instructions", "COPY <<EOF /x\nRUN a\n# no comment\nEOF\nRUN b\n"],
    ["quoted and indented ends of heredocs", "RUN <<-'E' && x\n\tRUN a\n E\n\tE\nRUN c\n"],
    [
      "several heredocs",
      'COPY <<one <<"two" <<three /d/\nRUN 1\none\n$A two\nRUN 2\ntwo\nthree\nRUN\nRUN x\n',
    ],
    ["two heredocs of a command", "RUN a <<X b <<-Y\nY\nX\nRUN c\n\tY\nRUN d\n"],
    ["what is no heredoc", "RUN cat <<<EOF\nRUN echo '<<EOF'\nRUN x\nCMD cat <<EOF\nRUN y\n"],
    [
      "flags on lines of their own",
      "RUN --mount=type=cache,target=/c \\\n  # comment\n  --network=none \\\n  make --flag\n",
    ],
    [
      "variables and quotes",
      `ENV A="x $B \${C:-$D}" E='$F' G=$H\\$I\nWORKDIR /$J/\${K}\nRUN echo $L '$M' "$N" \\$O\n`,
    ],
    ["variables in flags", 'FROM a AS $b\nCOPY --from=$X --chown="$Y" a b\n'],
    ["apostrophes in a command", "RUN echo it\\'s; echo \"it's $X\"\nRUN y\n"],
    ["a quote that is never closed", "RUN echo \"open\nRUN y\nENV A='x\nRUN z\n"],
    ["JSON forms", 'RUN ["a", "b $c"]\nCOPY ["a b", "c"]\nVOLUME ["/x"]\nSHELL ["/bin/sh", "-c"]\n'],
    ["names that are set", "ARG A B=1 C\nENV D e f\nENV G=1 H=2\nENV --from-output I cat /x $G\n"],
    [
      "the flags of a variable from a command",
      'ENV --title="a b" --from-output=true --mount=type=ssh A cat $G --x\nENV --from-output --retry=1 \\\n  # why\n  --no-cache \\\n  B [ "$C" ]\nENV --from-output --timeout=1s D <<E\nRUN\nE\nENV --from-output=false F=1\nENV G=--from-output\n',
    ],
    ["HEALTHCHECK and its command", "HEALTHCHECK --interval=5s CMD curl $U\nHEALTHCHECK NONE\n"],
    ["mixins and imports", "IMPORT ./x AS y\nMIXIN m\nARG p\nRUN $p\nFROM y#z\nUSE m p=1\nUSE y#n q=$R\n"],
    ["ONBUILD", "FROM a\nONBUILD RUN echo $X\nONBUILD COPY a b\n"],
    ["an unknown instruction", "RNU a \\\n  RUN b\nRUN c\n"],
    ["line ends of Windows", "FROM a\r\nRUN b \\\r\n  RUN c\r\nCOPY <<E /x\r\nRUN\r\nE\r\nRUN d\r\n"],
  ])("on %s", (_title, text) => {
    expect(disagreements(text)).toEqual([]);
  });
});
