import { isPatternProblem, matchesPath, parsePathPattern } from "./path-pattern.ts";

/** Whether a COPY source is a pattern: it has `*`, `?` or `[` without a backslash before it. */
export function hasWildcard(pattern: string): boolean {
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === "\\") at++;
    else if (char === "*" || char === "?" || char === "[") return true;
  }
  return false;
}

/**
 * Whether a whole path matches a COPY source: the rules of Go's `filepath.Match`, on `/`-separated paths, where no
 * wildcard matches a slash. A malformed pattern matches nothing; {@link wildcardProblem} says what is wrong with it.
 */
export function matchWildcard(pattern: string, path: string): boolean {
  const parsed = parsePathPattern(pattern, { directoryWildcards: false });
  return !isPatternProblem(parsed) && matchesPath(parsed, path);
}

/** What is wrong with a pattern, as half a sentence about it; null when it is well formed. */
export function wildcardProblem(pattern: string): string | null {
  const parsed = parsePathPattern(pattern, { directoryWildcards: false });
  return isPatternProblem(parsed) ? parsed.problem : null;
}
