import type { Diagnosed } from "../diagnostics/diagnostic.ts";
import type { Range, SourceFile } from "../diagnostics/source-file.ts";
import {
  canMatchBelow,
  isPatternProblem,
  matchesPath,
  type PathPattern,
  parsePathPattern,
} from "./path-pattern.ts";
import { quoteWord, Reporter } from "./reporter.ts";

/** One line of an ignore file. */
export interface IgnoreRule {
  /** As written, without white space around it. */
  readonly text: string;
  /** 1-based. */
  readonly line: number;
  readonly range: Range;
  /** `!pattern`: takes back what earlier lines left out. */
  readonly takesBack: boolean;
  readonly pattern: PathPattern;
}

/** How many directories' results are kept; a walk asks about one directory after the other. */
const rememberedDirectories = 256;

/**
 * What an ignore file leaves out, by Docker's rules: patterns are anchored at the root, one that matches a directory
 * covers all below it, and the last matching line decides. Paths are relative, `/`-separated and clean.
 */
export class IgnorePatterns {
  readonly rules: readonly IgnoreRule[];
  private readonly matchesOfDirectory = new Map<string, readonly boolean[]>();

  constructor(rules: readonly IgnoreRule[]) {
    this.rules = rules;
  }

  isIgnored(path: string): boolean {
    return this.ignoringRule(path) !== null;
  }

  /** The line that leaves the path out; null when it is not left out. */
  ignoringRule(path: string): IgnoreRule | null {
    const rule = this.decidingRule(path);
    return rule === null || rule.takesBack ? null : rule;
  }

  /** True when the directory is left out and no later line can take back anything below it. */
  canSkipDirectory(path: string): boolean {
    const rule = this.decidingRule(path);
    if (rule === null || rule.takesBack) return false;
    const later = this.rules.slice(this.rules.indexOf(rule) + 1);
    return !later.some((other) => other.takesBack && canMatchBelow(other.pattern, `${path}/`));
  }

  private decidingRule(path: string): IgnoreRule | null {
    if (path === "" || path === ".") return null;
    const parent = this.directoryMatches(parentOf(path));
    for (let index = this.rules.length - 1; index >= 0; index--) {
      const rule = this.rules[index];
      if (rule !== undefined && (parent[index] === true || matchesPath(rule.pattern, path))) return rule;
    }
    return null;
  }

  /** For each rule, whether it matches the directory or one above it. */
  private directoryMatches(path: string): readonly boolean[] {
    if (path === "") return [];
    const known = this.matchesOfDirectory.get(path);
    if (known !== undefined) return known;
    let matches: readonly boolean[] = [];
    // From the top down, so that no depth of directories is too deep to recurse.
    for (let end = path.indexOf("/"); ; end = path.indexOf("/", end + 1)) {
      const directory = end === -1 ? path : path.slice(0, end);
      const above = matches;
      matches =
        this.matchesOfDirectory.get(directory) ??
        this.rules.map((rule, index) => above[index] === true || matchesPath(rule.pattern, directory));
      this.remember(directory, matches);
      if (end === -1) return matches;
    }
  }

  private remember(directory: string, matches: readonly boolean[]): void {
    if (this.matchesOfDirectory.size >= rememberedDirectories) this.matchesOfDirectory.clear();
    this.matchesOfDirectory.set(directory, matches);
  }
}

function parentOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at === -1 ? "" : path.slice(0, at);
}

/** Reads an ignore file. Malformed lines are reported and left out. */
export function parseIgnoreFile(source: SourceFile): Diagnosed<IgnorePatterns> {
  const reporter = new Reporter(source);
  const rules: IgnoreRule[] = [];
  let start = source.text.startsWith("\uFEFF") ? 1 : 0;
  for (let line = 1; start < source.text.length; line++) {
    const lineFeed = source.text.indexOf("\n", start);
    const end = lineFeed === -1 ? source.text.length : lineFeed;
    const rule = readRule(source.text.slice(start, end), { start, line }, reporter);
    if (rule !== null) rules.push(rule);
    start = end + 1;
  }
  return { value: new IgnorePatterns(rules), diagnostics: reporter.diagnostics() };
}

/**
 * A function that says whether a path is ignored. Malformed patterns are left out; {@link parseIgnoreFile} reports
 * them, and knows which directories need not be entered.
 *
 * @param patterns the text of an ignore file, or its lines
 */
export function ignoreMatcher(patterns: string | readonly string[]): (path: string) => boolean {
  const text = typeof patterns === "string" ? patterns : patterns.join("\n");
  const rules = parseIgnoreFile({ path: "patterns", text }).value;
  return (path) => rules.isIgnored(cleanPath(path));
}

function readRule(
  written: string,
  place: { readonly start: number; readonly line: number },
  reporter: Reporter,
): IgnoreRule | null {
  if (written.startsWith("#")) return null;
  const text = written.trim();
  if (text === "") return null;
  const start = place.start + written.indexOf(text);
  const range = { start, end: start + text.length };
  const rest = text.startsWith("!") ? text.slice(1).trim() : text;
  const cleaned = cleanPath(rest).trim();
  // Docker looks for the ! after it has cleaned and trimmed once, and then cleans again: `/!x` is `!x`, `b /` is `b`.
  const hasLateMark = rest === text && cleaned.startsWith("!");
  const takesBack = rest !== text || hasLateMark;
  if (rest === "" || (hasLateMark && cleaned === "!")) {
    reporter.error({
      code: "InvalidIgnorePattern",
      range,
      message: "the ! takes back nothing",
      hint: "write the pattern behind it, as in !keep.txt",
    });
    return null;
  }
  const pattern = parsePathPattern(cleanPath(hasLateMark ? cleaned.slice(1) : cleaned), {
    directoryWildcards: true,
  });
  if (!isPatternProblem(pattern)) return { text, line: place.line, range, takesBack, pattern };
  reporter.error({
    code: "InvalidIgnorePattern",
    range,
    message: `the pattern ${quoteWord(rest)} is malformed: ${pattern.problem}`,
    hint: "put a backslash before a [ or \\ that stands for itself",
  });
  return null;
}

/** Removes `.`, `..`, repeated slashes and the slash at either end. */
function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === ".." && kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (segment !== ".." || !path.startsWith("/")) kept.push(segment);
  }
  return kept.join("/");
}
