import { predefinedArguments } from "../graph/predefined-arguments.ts";
import { expandWord } from "../lightfile/expand.ts";
import { ExpansionError } from "../lightfile/expansion-error.ts";
import type { LintedFile } from "./linted-file.ts";

const known = new WeakMap<LintedFile, ReadonlyMap<string, string>>();

/** What the ARGs before the first stage come to: the build arguments that are given, else the defaults. */
export function defaultValues(file: LintedFile): ReadonlyMap<string, string> {
  const values = known.get(file) ?? readDefaults(file);
  known.set(file, values);
  return values;
}

function readDefaults(file: LintedFile): ReadonlyMap<string, string> {
  const values = new Map<string, string>(predefinedArguments(file.platform, null));
  for (const { declarations } of file.globalArguments) {
    for (const { name, value } of declarations) {
      const given = file.buildArguments[name.text];
      const expanded = given ?? (value === null ? null : expandWith(value.text, values, file.tree.escape));
      if (expanded !== null) values.set(name.text, expanded);
    }
  }
  return values;
}

/** The word with its variables replaced; null when it is malformed. */
export function expandWith(
  text: string,
  values: ReadonlyMap<string, string>,
  escapeChar: "\\" | "`",
): string | null {
  try {
    return expandWord(text, (name) => values.get(name), { escape: escapeChar });
  } catch (error) {
    if (error instanceof ExpansionError) return null;
    throw error;
  }
}
