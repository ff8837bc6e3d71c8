import type { Range } from "../../diagnostics/source-file.ts";
import type { Flag, Instruction } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";

/** For a word that is there and becomes empty. */
export const emptyWordHint = "look at the variables in it: one of them may be empty or misspelt";

/** What a flag does to a bake when it stands in an instruction. */
export type FlagEffect =
  | "acts"
  /** It only tells another builder how to work: the result is the same without. */
  | "no-effect";

/** The flags of an instruction that act. */
export interface ReadFlags {
  get(name: string): Flag | undefined;
  /** All of that name, in order. */
  all(name: string): readonly Flag[];
  /** True for `--name` and `--name=true`; the parser has reported any other word than true and false. */
  isOn(name: string): boolean;
}

/**
 * The flags of an instruction by name. A flag that cannot act yet is an error: the result would not be what the
 * file says. A `--title` acts here.
 */
export function readFlags(
  stage: StageBuilder,
  instruction: Instruction,
  effects: Readonly<Record<string, FlagEffect>>,
): ReadFlags {
  const flags: Flag[] = [];
  for (const flag of instruction.flags) {
    const name = flag.name.text;
    const effect = Object.hasOwn(effects, name) ? effects[name] : undefined;
    const keyword = instruction.keyword.text.toUpperCase();
    if (name === "title") {
      const title = titleValue(stage, flag);
      if (title !== null) stage.retitle(title.replaceAll(/\s+/g, " ").trim());
    } else if (effect === undefined) {
      stage.findings.error("NotSupportedYet", `--${name} of ${keyword} cannot act yet`, flag.range, {
        hint: "take the flag out, or write the step without it",
      });
    } else if (effect === "no-effect") {
      stage.findings.warning("NoEffect", `--${name} of ${keyword} changes nothing here`, flag.range, {
        hint: "every layer stands on its parent; the flag can go wherever the file has it",
        isToldOnce: true,
      });
    } else {
      flags.push(flag);
    }
  }
  const get = (name: string) => flags.find((flag) => flag.name.text === name);
  return {
    get,
    all: (name) => flags.filter((flag) => flag.name.text === name),
    isOn(name) {
      const flag = get(name);
      return flag !== undefined && (flag.value === null || flag.value.text.toLowerCase() === "true");
    },
  };
}

/** The value of `--title`. It is text for people: quotes and apostrophes in it stand for themselves. */
export function titleValue(stage: StageBuilder, flag: Flag | undefined): string | null {
  return flagValue(stage, flag, (text, range) => stage.scope.expandBody(text, range));
}

/** The expanded value of a flag; null when it is absent, or when a diagnostic says what is wrong with it. */
export function flagValue(
  stage: StageBuilder,
  flag: Flag | undefined,
  expand: (text: string, range: Range) => string | null = (text, range) => stage.scope.expand(text, range),
): string | null {
  if (flag === undefined) return null;
  const value = flag.value === null ? null : expand(flag.value.text, flag.value.range);
  if (value === null) {
    if (flag.value !== null) return null;
    stage.findings.error("MissingFlagValue", `--${flag.name.text} needs a value`, flag.range, {
      hint: `write --${flag.name.text}=value`,
    });
    return null;
  }
  if (value.trim() !== "") return value;
  stage.findings.error("MissingFlagValue", `--${flag.name.text} is empty`, flag.range, {
    hint: "look at the variables in its value, or take the flag out",
  });
  return null;
}
