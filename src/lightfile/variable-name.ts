/** The name that starts at `at`, empty when none does; a special or positional parameter ($1, $@) counts as one. */
export function variableNameAt(text: string, at: number): string {
  const first = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if (/^[@*#?\-$!]$/.test(first)) return first;
  const pattern = /\p{Nd}/u.test(first) ? /\p{Nd}+/uy : /[\p{L}\p{Nd}_]+/uy;
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}

/** False for special and positional parameters, which a file rarely sets. */
export function isOrdinaryName(name: string): boolean {
  return /^[\p{L}_]/u.test(name);
}
