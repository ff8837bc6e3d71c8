import type { Fix, TextEdit } from "../diagnostics/fix.ts";

/** The text after edits; those that touch one before them are left out. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const ordered = edits.toSorted((left, right) => left.range.start - right.range.start);
  let result = "";
  let at = 0;
  for (const { range, newText } of ordered) {
    if (range.start < at) continue;
    result += text.slice(at, range.start) + newText;
    at = range.end;
  }
  return result + text.slice(at);
}

/** The safe fixes, first come first served, none of which changes what another one changes. */
export function chooseSafeFixes(fixes: readonly Fix[]): readonly Fix[] {
  const taken: TextEdit[] = [];
  return fixes.filter((fix) => {
    if (!fix.isSafe || fix.edits.some((edit) => taken.some((other) => overlap(edit, other)))) return false;
    taken.push(...fix.edits);
    return true;
  });
}

/** Two insertions at one place overlap, too: which comes first would be chance. */
function overlap(left: TextEdit, right: TextEdit): boolean {
  if (left.range.start === right.range.start) return true;
  return left.range.start < right.range.end && right.range.start < left.range.end;
}
