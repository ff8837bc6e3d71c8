import { readdir, readFile } from "node:fs/promises";
import { transform } from "esbuild";
import { expect, test } from "vitest";
import { exitCodeOf } from "../../../src/cli/exit-code.ts";
import type { FailureCategory } from "../../../src/diagnostics/failure.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { noColors } from "../../../src/render/colors.ts";
import { formatDiagnostic } from "../../../src/render/diagnostic-printer.ts";

const repository = new URL("../../../", import.meta.url);
const page = await readText("docs/errors.md");

/**
 * Words of the source that are written like a code and are none. Whatever is missing here and in docs/errors.md fails:
 * codes travel through many small functions, so each such word counts as a code, wherever it stands.
 */
const otherWords = new Set(
  [
    "ContextTrouble ExpansionError Failure GuestFileError StepRefused TransientAnswer TransientError", // error classes
    "Argument As Assignment BareOnbuild Blank BlankLines Command CommandText Comment Continuation EndOfLine", // tokens
    "Flag FlagsEnd HealthcheckCommand HealthcheckNone HeredocBodies HeredocMarker JsonArray LegacyAssignment", // tokens
    "EnvironmentArgument MixinName OutputName Text Unknown Word", // tokens
    "Dockerfile Lightfile", // files
    "Depends Package Version", // fields of Debian packages
    "Refused", // an HTTP status
  ].flatMap((line) => line.split(" ")),
);

interface Row {
  readonly code: string;
  /** `error`, `warning` and exit codes. */
  readonly as: readonly string[];
}

function readText(path: string): Promise<string> {
  return readFile(new URL(path, repository), "utf8");
}

/** Without types and comments, so that only what runs is left. */
async function readProgram(): Promise<string> {
  const source = new URL("src/", repository);
  const names = (await readdir(source, { recursive: true })).filter((name) => name.endsWith(".ts")).sort();
  const files = names.map(async (name) => {
    const text = await readFile(new URL(name, source), "utf8");
    return (await transform(text, { loader: "ts", minifyWhitespace: true, charset: "utf8" })).code;
  });
  return (await Promise.all(files)).join("\n");
}

const program = await readProgram();

/** Capitalized words in quotes, but for those that something is only compared with. */
function wordsOf(text: string): ReadonlySet<string> {
  const word = /(?<![=!]==?|\bcase)(["'`])([A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)*)\1(?![=!]==?)/g;
  return new Set([...text.matchAll(word)].map(([, , name = ""]) => name));
}

const rows: readonly Row[] = [...page.matchAll(/^\| `(\w+)` \| ([^|]+) \| [^|]+ \| [^|]+ \|$/gm)].map(
  ([, code = "", as = ""]) => ({ code, as: as.split(", ") }),
);

const categories: readonly FailureCategory[] = ["step", "usage", "environment", "cancelled", "internal"];
const exitCodes = new Map<string, string>(
  categories.map((category) => [category, String(exitCodeOf(category))]),
);

/** Where the source says beside a code what it comes as: `[code, as]`. */
function* statedKinds(text: string): Generator<readonly [string, string]> {
  for (const [, code = "", category = ""] of text.matchAll(/code:"(\w+)",category:"(\w+)"/g)) {
    yield [code, exitCodes.get(category) ?? category];
  }
  for (const [, severity = "", code = ""] of text.matchAll(/\.(error|warning)\((?:\{code:)?"([A-Z]\w+)"/g)) {
    yield [code, severity];
  }
  for (const [, code = ""] of text.matchAll(/new ContextTrouble\("(\w+)"/g)) yield [code, "error"];
  for (const [, code = ""] of text.matchAll(/(?:new StepRefused\(|kind:"refused",code:)"(\w+)"/g))
    yield [code, "1"];
}

test("docs/errors.md has a row for each code of the source and no other", () => {
  const codes = [...wordsOf(program)].filter((word) => !otherWords.has(word));
  expect(rows.map((row) => row.code).sort()).toEqual(codes.sort());
});

test("each word that is listed as no code is still in the source", () => {
  const words = wordsOf(program);
  expect([...otherWords].filter((word) => !words.has(word))).toEqual([]);
});

test("each table row of docs/errors.md is whole", () => {
  const lines = page.split("\n").filter((line) => /^\| `[A-Z]/.test(line));
  expect(lines).toHaveLength(rows.length);
  const kinds = new Set(["error", "warning", "1", "2", "3", "70", "130"]);
  expect(rows.filter(({ as }) => as.length === 0 || as.some((kind) => !kinds.has(kind)))).toEqual([]);
});

test("docs/errors.md states the severity or exit code that the source gives a code", () => {
  const stated = [...statedKinds(program)];
  const documented = new Map(rows.map((row) => [row.code, row.as]));
  expect(stated.length).toBeGreaterThan(100);
  expect(stated.filter(([code, kind]) => !documented.get(code)?.includes(kind))).toEqual([]);
});

test("the scan sees a code in any position and no comparison, type or comment", async () => {
  const text = `
    /** Throws \`InComment\`. */
    type Code = "InType";
    function usage(code: "InParameter" | Code): void {}
    usage("InCall");
    const thing = { code: "InObject", other: \`InTemplate\`, choice: ok ? "InBranch" : 'InOther' };
    if (thing.code === "InComparison" || "InComparison" !== thing.code) usage("Word");
    switch (thing.code) { case "InCase": break; }
  `;
  const { code } = await transform(text, { loader: "ts", minifyWhitespace: true });
  const expected = ["InBranch", "InCall", "InObject", "InOther", "InTemplate", "Word"];
  expect([...wordsOf(code)].sort()).toEqual(expected);
});

/** Codes that no test provokes, because it would take more than a process and files. */
const untested = new Set(
  [
    "CommandNotStarted FlushFailed MicroVmLost", // a microVM
    "MachineDiskFull MachineNotStopped MachineRunning", // QEMU
    "BusyboxUnavailable KernelPackageUnavailable PackageFetchFailed", // a host whose apt knows or fetches no packages
    "MicrosandboxNotLoadable", // an installation without the runtime
    "ClientVanished", // nobody is left to be told
  ].flatMap((line) => line.split(" ")),
);

test("each code of docs/errors.md stands in a test, but for those that are listed with the reason", async () => {
  const folder = new URL("test/", repository);
  const names = (await readdir(folder, { recursive: true })).filter(
    (name) =>
      (name.endsWith(".ts") && !name.endsWith("errors-document.test.ts")) ||
      // What is said of the golden files.
      (name.startsWith("golden/") && /\.(?:json|txt)$/.test(name)),
  );
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, folder), "utf8")));
  // The examples of each rule's page are tested.
  texts.push(...(await readdir(new URL("docs/rules/", repository))));
  const words = new Set(texts.flatMap((text) => text.match(/\b[A-Z][A-Za-z]+\b/g) ?? []));
  const missing = rows.map(({ code }) => code).filter((code) => !words.has(code));
  expect(missing.sort()).toEqual([...untested].sort());
});

test("docs/errors.md has the exit codes of docs/cli.md", async () => {
  const listed = (text: string) => /## Exit codes\n\n((?:\|.*\n?)+)/.exec(text)?.[1]?.trim();
  expect(listed(page)).toContain("| 70 |");
  expect(listed(page)).toBe(listed(await readText("docs/cli.md")));
});

test("the example of docs/errors.md is what the printer prints", () => {
  const [, text = "", printed = ""] =
    /```Dockerfile\n([^`]*)```[^`]*`[^`]*`[^`]*```text\n([^`]*)```/.exec(page) ?? [];
  const { diagnostics } = parseLightfile({ path: "Lightfile", text });
  expect(diagnostics).not.toEqual([]);
  const options = { colors: noColors, columns: 80 };
  expect(diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, options)).join("")).toBe(printed);
});
