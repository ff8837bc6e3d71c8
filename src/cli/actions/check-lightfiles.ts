import writeFileAtomic from "write-file-atomic";
import { entryProgram, readPins } from "../../bake/entry-program.ts";
import { type Diagnostic, hasErrors } from "../../diagnostics/diagnostic.ts";
import { Failure } from "../../diagnostics/failure.ts";
import { didYouMean } from "../../diagnostics/suggest.ts";
import { checkedDiagnostics } from "../../graph/checked-diagnostics.ts";
import { guestPlatform } from "../../host/guest-platform.ts";
import { fixText } from "../../lint/fix-text.ts";
import { type Finding, type LintOptions, lint } from "../../lint/lint.ts";
import { findRule, ruleNames, rules } from "../../lint/rules.ts";
import { chooseDiagnosticsFormat, writeDiagnostics } from "../../render/diagnostics/format.ts";
import { PinnedGit } from "../../sources/pinned-git.ts";
import { planJoined } from "../../sources/plan-joined.ts";
import { exitCodeOf, exitCodes } from "../exit-code.ts";
import type { CheckOptions } from "../options.ts";
import { type ReadLightfile, readLightfile } from "../read-lightfile.ts";
import type { Session } from "../session.ts";
import { formatTable } from "../table.ts";
import { checkContext, checkLocalImages } from "./check-context.ts";

/**
 * `lightbox check`: what lint, the planner and the context have to say about Lightfiles.
 * @throws Failure `UnknownRule`, and those of {@link readLightfile}
 */
export async function checkLightfiles(
  files: readonly string[],
  options: CheckOptions,
  session: Session,
): Promise<number> {
  if (options.listRules === true) {
    session.stdout.write(
      formatTable(
        ["RULE", "SPEAKS WHEN"],
        rules.map(({ name, summary }) => [name, summary]),
      ),
    );
    return exitCodes.success;
  }
  const lintOptions = toLintOptions(options);
  const findings: Finding[] = [];
  const troubles: Failure[] = [];
  const names = files.length === 0 ? ["."] : files;
  for (const file of names) {
    const read = await readLightfile(file, readOptions(options), session);
    const lightfile = options.fix === true ? await fixed(read, file, { lintOptions, session }) : read;
    const around = await lookAround(lightfile, options, session);
    findings.push(...lint(lightfile.source, { ...lintOptions, others: around.diagnostics }));
    troubles.push(...around.troubles);
  }
  const told = withoutRepeats(findings);
  const format = chooseDiagnosticsFormat(options.format, session.environment);
  // With --fix, stdin's text goes where the findings would.
  const stream = options.fix === true && names.includes("-") ? session.stderr : session.stdout;
  const tool = { version: session.version, rules };
  writeDiagnostics(told, { format, stream, environment: session.environment, tool });
  if (format === "text") session.stderr.write(`${summary(told, names.length)}\n`);
  return exitCodeFor(told, troubles);
}

/** A file that two others join says the same twice; so does one that is checked by itself, too. */
function withoutRepeats(findings: readonly Finding[]): readonly Finding[] {
  const told = new Map<string, Finding>();
  for (const finding of findings) {
    const { code, message, source, range } = finding;
    const key = JSON.stringify([source.path, range.start, code, message]);
    // By itself a file is told of with the ways to mend it.
    if ((told.get(key)?.fixes.length ?? 0) === 0) told.set(key, finding);
  }
  return [...told.values()];
}

/** Mistakes come before what kept a repository from being looked at: they are there whatever that says. */
function exitCodeFor(findings: readonly Finding[], [trouble]: readonly Failure[]): number {
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return exitCodes.success;
  const isTrouble = errors.every(({ code }) => code === trouble?.code);
  return trouble !== undefined && isTrouble ? exitCodeOf(trouble.category) : exitCodes.usage;
}

function readOptions({ context, buildArg }: CheckOptions) {
  return { buildArg, command: "check" as const, ...(typeof context === "string" ? { context } : {}) };
}

function toLintOptions({ skip, error, strict, buildArg }: CheckOptions): LintOptions {
  for (const name of [...skip, ...error].flatMap(splitNames)) {
    if (name.toLowerCase() === "all" || findRule(name) !== undefined) continue;
    throw new Failure({
      code: "UnknownRule",
      category: "usage",
      message: `there is no rule ${name}`,
      hint: didYouMean(name, ruleNames) ?? "lightbox check --list-rules names them all",
    });
  }
  return {
    skip: skip.flatMap(splitNames),
    error: strict === true ? ["all"] : error.flatMap(splitNames),
    platform: guestPlatform(),
    buildArguments: buildArg,
  };
}

function splitNames(text: string): readonly string[] {
  return text.split(",").map((name) => name.trim());
}

interface FixSurroundings {
  readonly lintOptions: LintOptions;
  readonly session: Session;
}

/** Mends the file on disk; the text of stdin is printed mended. */
async function fixed(
  lightfile: ReadLightfile,
  file: string,
  { lintOptions, session }: FixSurroundings,
): Promise<ReadLightfile> {
  const { text } = fixText(lightfile.source, lintOptions);
  if (file === "-") session.stdout.write(text);
  else if (text !== lightfile.source.text) await writeFileAtomic(lightfile.path, text);
  return { ...lightfile, source: { ...lightfile.source, text } };
}

interface Surroundings {
  readonly diagnostics: readonly Diagnostic[];
  /** Repositories that could not be looked at; the diagnostics have them. */
  readonly troubles: readonly Failure[];
}

/**
 * What planning says with the Lightfiles that this one names, and what its context lacks. A file with mistakes of its
 * own is planned as a bake does it: nothing is told that only follows from them, and nobody is asked for repositories.
 */
async function lookAround(
  { source, path, contextDirectory }: ReadLightfile,
  options: CheckOptions,
  session: Session,
): Promise<Surroundings> {
  const request = {
    lightfile: source,
    lightfilePath: path,
    contextDirectory,
    buildArguments: options.buildArg,
    target: null,
    platform: guestPlatform(),
  };
  const { signal } = session;
  const { value: program, diagnostics } = await entryProgram(request);
  const pins = await readPins(request);
  const git = new PinnedGit({ homeDirectory: session.home.directory, pins });
  const joined = await planJoined(program, request, { git, signal, mayAsk: !hasErrors(diagnostics) });
  const inContext =
    options.context === false
      ? []
      : [
          ...(await checkContext(joined.draft, signal)),
          ...(await checkLocalImages(joined.draft, contextDirectory)),
        ];
  // Lint knows the comments of this file; those of the others count as well.
  const isOwn = (diagnostic: Diagnostic): boolean => diagnostic.source === source;
  return {
    diagnostics: [
      ...joined.own,
      ...inContext.filter(isOwn),
      ...joined.elsewhere,
      ...checkedDiagnostics(
        program,
        inContext.filter((one) => !isOwn(one)),
      ),
    ],
    troubles: joined.troubles,
  };
}

function summary(findings: readonly Finding[], fileCount: number): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  const fixable = findings.filter(({ fixes }) => fixes.some(({ isSafe }) => isSafe)).length;
  const counted = [
    ...(errors === 0 ? [] : [count(errors, "error")]),
    ...(warnings === 0 ? [] : [count(warnings, "warning")]),
  ];
  const what = counted.length === 0 ? "nothing to say" : counted.join(" and ");
  const more = fixable === 0 ? "" : `; ${fixable === 1 ? "one" : fixable} can be mended with --fix`;
  return `${what} about ${count(fileCount, "file")}${more}`;
}

function count(number: number, name: string): string {
  return `${number} ${name}${number === 1 ? "" : "s"}`;
}
