import { describeInstruction, outputCommandFlags } from "../lightfile/reserved.ts";
import { completeArguments, completeStages } from "./complete-names.ts";
import { completeLightfiles } from "./complete-paths.ts";
import { type CompletionContext, plain } from "./completion-context.ts";
import { mountKeys, mountValues, valuesOfFlag } from "./flag-values.ts";
import { describe } from "./reference.ts";
import type { ArgumentsSpot } from "./spot.ts";
import type { Suggestion } from "./suggestion.ts";

/** Null when what is being written is no flag. */
export function completeFlag(context: CompletionContext, spot: ArgumentsSpot): readonly Suggestion[] | null {
  if (!spot.mayBeFlag || !spot.word.startsWith("-")) return null;
  const { offset, sources } = context;
  const equals = spot.word.indexOf("=");
  const { flags } = describeInstruction(spot.name);
  if (equals !== -1) return completeFlagValue(context, spot, spot.word.slice(2, equals));
  const given = new Set(spot.words.map((word) => word.slice(2).replace(/=.*$/, "")));
  return Object.entries(flags).flatMap(([flag, kind]): Suggestion[] => {
    if (kind !== "values" && given.has(flag)) return [];
    if (spot.name === "ENV" && outputCommandFlags.includes(flag) && !given.has("from-output")) return [];
    const label = `--${flag}`;
    const takesValue = kind !== "boolean";
    return [
      {
        label,
        kind: "flag",
        newText: takesValue ? `${label}=` : label,
        range: { start: spot.wordStart, end: offset },
        detail: takesValue ? `${label}=value` : label,
        documentation: describe(sources.reference, spot.name, flag),
        continues: takesValue,
      },
    ];
  });
}

function completeFlagValue(
  context: CompletionContext,
  spot: ArgumentsSpot,
  flag: string,
): readonly Suggestion[] {
  const { table, offset, sources } = context;
  const written = spot.word.slice(spot.word.indexOf("=") + 1);
  const start = offset - written.length;
  const place = { table, offset, word: written, range: { start, end: offset }, otherFile: sources.otherFile };
  if (flag === "mount") return completeMount(context, written);
  if (flag === "from") return [...completeStages(place), ...completeLightfiles(context, written)];
  if (flag === "arg") return written.includes("=") ? [] : completeArguments(place, referenceOnLine(context));
  const kind = Object.entries(describeInstruction(spot.name).flags).find(([name]) => name === flag)?.[1];
  const values = kind === "boolean" ? ["true", "false"] : valuesOfFlag(spot.name, flag);
  return plain(context, start, "value", values);
}

/** The Lightfile that the FROM or IMPORT at the offset names behind the flags. */
function referenceOnLine({ table, offset }: CompletionContext): string | undefined {
  const instruction = table.tree.instructions.find(
    ({ range }) => range.start <= offset && offset <= range.end,
  );
  if (instruction?.kind === "from") return instruction.image.text;
  return instruction?.kind === "import" ? instruction.reference.text : undefined;
}

function completeMount(context: CompletionContext, written: string): readonly Suggestion[] {
  const { table, offset, sources } = context;
  const field = written.slice(written.lastIndexOf(",") + 1);
  const equals = field.indexOf("=");
  const start = offset - field.length;
  if (equals === -1) {
    const type = /(?:^|,)type=(\w+)/.exec(written)?.[1];
    if (type === undefined) return plain(context, start, "value", ["type="]);
    const given = written.split(",").map((part) => part.replace(/=.*$/, ""));
    const keys = (mountKeys[type] ?? []).filter((key) => !given.includes(key.replace("=", "")));
    return plain(context, start, "value", keys);
  }
  const word = field.slice(equals + 1);
  const range = { start: offset - word.length, end: offset };
  if (field.startsWith("from="))
    return completeStages({ table, offset, word, range, otherFile: sources.otherFile });
  return plain(context, range.start, "value", mountValues[field.slice(0, equals)] ?? []);
}
