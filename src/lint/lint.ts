import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Fix } from "../diagnostics/fix.ts";
import type { Range, SourceFile } from "../diagnostics/source-file.ts";
import { errorRanges } from "../graph/parse-mistakes.ts";
import { applyChecks } from "../lightfile/apply-checks.ts";
import type { LightfileTree } from "../lightfile/ast.ts";
import { variablesIn } from "../lightfile/expand.ts";
import { ignores, readIgnoreComments } from "../lightfile/ignore-comments.ts";
import { parseLightfile } from "../lightfile/parse.ts";
import { checkIgnoreComments } from "./check-ignore-comments.ts";
import { experimentalRules } from "./experimental-rules.ts";
import { globalNames, type LintedFile, requiredNames, type StageBlock, toLintedFile } from "./linted-file.ts";
import { neededStages } from "./needed-stages.ts";
import { planAlone } from "./plan-alone.ts";
import type { Remark, Rule } from "./rule.ts";
import { findRule, rules } from "./rules.ts";

/** What a rule, the parser or the planner says about a Lightfile, with the ways to mend it. */
export interface Finding extends Diagnostic {
  readonly fixes: readonly Fix[];
}

export interface LintOptions {
  /** Rules to leave out, in any case; `all`: every warning. */
  readonly skip?: readonly string[];
  /** Rules whose findings are errors, in any case; `all`: every one. */
  readonly error?: readonly string[];
  /** Of the bake that is imagined; `linux/amd64` when left out. */
  readonly platform?: string;
  readonly buildArguments?: Readonly<Record<string, string>>;
  /**
   * What is known about the file from elsewhere: from planning it with joined Lightfiles, from its context. Without it,
   * the file is planned by itself.
   */
  readonly others?: readonly Diagnostic[];
}

/**
 * Everything that can be said about a Lightfile without looking at images or the disk, in the order of the text: also
 * of one with syntax mistakes, as far as it can be read. Given a text, the parser's diagnostics are among the findings;
 * given a tree, they are not (whoever parsed it has them). Never throws.
 */
export function lint(
  input: string | SourceFile | LightfileTree,
  options: LintOptions = {},
): readonly Finding[] {
  if (typeof input === "object" && "instructions" in input) {
    // A tree does not hold where its mistakes are, and what only follows from them is not to be told.
    const { diagnostics } = parseLightfile(input.source);
    return lintTree(input, { said: [], mistakes: errorRanges(diagnostics) }, options);
  }
  const source = typeof input === "string" ? { path: "Lightfile", text: input } : input;
  const { value, diagnostics } = parseLightfile(source);
  return lintTree(value, { said: diagnostics, mistakes: errorRanges(diagnostics) }, options);
}

interface Parsing {
  /** What the findings have of the parser's diagnostics. */
  readonly said: readonly Diagnostic[];
  /** Where its errors are. */
  readonly mistakes: readonly Range[];
}

function lintTree(
  tree: LightfileTree,
  { said: parserSays, mistakes }: Parsing,
  options: LintOptions,
): readonly Finding[] {
  const setting = {
    platform: options.platform ?? "linux/amd64",
    buildArguments: options.buildArguments ?? {},
  };
  const file = toLintedFile(tree, setting);
  const isWhole = mistakes.length === 0;
  const planSays = options.others ?? planAlone(tree, setting, mistakes);
  const said = [...parserSays, ...planSays.filter((diagnostic) => countsUnbaked(diagnostic, file))];
  const asked = experimentalRules(tree);
  const remarked = rules.flatMap((rule) => {
    if (rule.check === undefined || (rule.needsWholeFile && !isWhole)) return [];
    if (rule.isExperimental && !asked.has(rule.name.toLowerCase()) && !asked.has("all")) return [];
    return [...rule.check(file)].map((remark) => ({ rule, remark }));
  });
  const kept = withoutReplaced(said, remarked, tree);
  const findings = withoutRepeats([
    ...remarked.map(({ rule, remark }) => toFinding(rule, remark, tree.source)),
    ...kept.map((diagnostic) => withFixes(diagnostic, file)),
  ]);
  return judge(findings, { tree, isWhole, options });
}

/** What a bake may still give, or never comes to, is no mistake of the file. */
function countsUnbaked(diagnostic: Diagnostic, file: LintedFile): boolean {
  const { code, source, range, related } = diagnostic;
  if (source.path !== file.tree.source.path) return true;
  switch (code) {
    case "ArgumentRequired":
      // A USE gives the arguments of a mixin.
      return Object.keys(file.buildArguments).length > 0 || related !== undefined;
    case "UndefinedArgInFrom": {
      const name = /^\$\{?(\w+)/.exec(source.text.slice(range.start, range.end))?.[1];
      return name === undefined || !globalNames(file).has(name);
    }
    case "BlankBase":
    case "InvalidImageReference": {
      const base = stageFrom(file, range)?.head.image;
      if (base === undefined) return true;
      const required = requiredNames(file);
      return !variablesIn(base.text, { escape: file.tree.escape }).some((name) => required.has(name));
    }
    case "NotSupportedYet": {
      const stage = stageFrom(file, range);
      return stage === undefined || neededStages(file).has(stage);
    }
    default:
      return true;
  }
}

/** The stage in whose FROM a place is. */
function stageFrom({ stages }: LintedFile, { start, end }: Range): StageBlock | undefined {
  return stages.find(({ head }) => head.range.start <= start && end <= head.range.end);
}

function toFinding(rule: Rule, remark: Remark, source: SourceFile): Finding {
  const { range, message, hint, related, fixes = [] } = remark;
  return {
    code: rule.name,
    severity: rule.severity ?? "warning",
    message,
    source,
    range,
    fixes,
    ...(hint === undefined ? {} : { hint }),
    ...(related === undefined ? {} : { related: related.map((location) => ({ ...location, source })) }),
  };
}

function withFixes(diagnostic: Diagnostic, file: LintedFile): Finding {
  const own = diagnostic.source.path === file.tree.source.path;
  const fixes = own ? findRule(diagnostic.code)?.fixes?.(file, diagnostic.range) : undefined;
  return { ...diagnostic, fixes: [...(diagnostic.fixes ?? []), ...(fixes ?? [])] };
}

/** Without what a rule has said more about, at the same instruction. */
function withoutReplaced(
  said: readonly Diagnostic[],
  remarked: readonly { readonly rule: Rule; readonly remark: Remark }[],
  tree: LightfileTree,
): readonly Diagnostic[] {
  const replaced = new Set(
    remarked.flatMap(({ rule: { replaces = [] }, remark }) =>
      replaces.map((code) => `${code} ${instructionAt(tree, remark.range.start)}`),
    ),
  );
  if (replaced.size === 0) return said;
  return said.filter(({ code, range }) => !replaced.has(`${code} ${instructionAt(tree, range.start)}`));
}

/** Index of the last instruction that starts at or before an offset; -1: there is none. */
function instructionAt({ instructions }: LightfileTree, offset: number): number {
  let low = -1;
  let high = instructions.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((instructions[middle]?.range.start ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Warnings that say why there is an error at their place. */
const explains = new Set(["UndefinedArgInFrom"]);

/**
 * The planner and a rule may see the same thing; the rule comes first and has the fixes. Where there is an error,
 * nobody wants to hear of bad habits.
 */
function withoutRepeats(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>();
  const errors = new Set(
    findings
      .filter(({ severity }) => severity === "error")
      .map(({ source, range }) => `${source.path} ${range.start}`),
  );
  return findings.filter(({ code, severity, source, range }) => {
    if (severity === "warning" && !explains.has(code) && errors.has(`${source.path} ${range.start}`))
      return false;
    const key = `${code} ${source.path} ${range.start}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

interface Judgement {
  readonly tree: LightfileTree;
  readonly isWhole: boolean;
  readonly options: LintOptions;
}

/** Leaves out what comments, the file's head and the caller do not want to hear, and sets severities. */
function judge(findings: readonly Finding[], { tree, isWhole, options }: Judgement): readonly Finding[] {
  const comments = readIgnoreComments(tree);
  const isOwn = ({ source }: Diagnostic) => source.path === tree.source.path;
  const heard = findings.filter(
    (finding) => !(isOwn(finding) && comments.some((comment) => ignores(comment, finding))),
  );
  const aboutComments = checkIgnoreComments({ tree, comments, findings, isWhole });
  const skipped = lowerCase(options.skip);
  const errors = lowerCase(options.error);
  // Before a file makes errors of its warnings: who asks for a rule not to speak means that one, too.
  const all = [...heard, ...aboutComments].filter(
    ({ code, severity }) => severity === "error" || !has(skipped, code),
  );
  return [
    ...applyChecks(tree.directives, all.filter(isOwn)),
    // What another file says at its head is about that one: see checkedDiagnostics.
    ...all.filter((finding) => !isOwn(finding)),
  ]
    .map((diagnostic): Finding => ({ ...diagnostic, fixes: diagnostic.fixes ?? [] }))
    .map((finding): Finding => (has(errors, finding.code) ? { ...finding, severity: "error" } : finding))
    .sort((left, right) => {
      if (isOwn(left) !== isOwn(right)) return isOwn(left) ? -1 : 1;
      if (left.source.path !== right.source.path) return left.source.path < right.source.path ? -1 : 1;
      return left.range.start - right.range.start;
    });
}

function lowerCase(names: readonly string[] = []): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}

function has(names: ReadonlySet<string>, code: string): boolean {
  return names.has("all") || names.has(code.toLowerCase());
}
