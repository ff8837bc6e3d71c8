import type { RelatedLocation } from "../../diagnostics/diagnostic.ts";
import type { Range } from "../../diagnostics/source-file.ts";
import { didYouMean } from "../../diagnostics/suggest.ts";
import type { ArgInstruction } from "../../lightfile/ast.ts";
import type { Findings } from "../findings.ts";
import type { Scope } from "../scope.ts";

const argumentTypes: readonly string[] = ["string", "int", "bool"];

/** What the flags of an ARG ask of its values. */
export interface ArgumentType {
  readonly type: "string" | "int" | "bool";
  /** Null: any value of the type. */
  readonly choices: readonly string[] | null;
  readonly isRequired: boolean;
}

/** What is wrong with flags is said; the rest holds. */
export function readArgumentType(
  instruction: ArgInstruction,
  { scope, findings }: { readonly scope: Scope; readonly findings: Findings },
): ArgumentType {
  let type: ArgumentType["type"] = "string";
  let choices: readonly string[] | null = null;
  let isRequired = false;
  for (const { name, value, range } of instruction.flags) {
    // Text for people, in which an apostrophe is none of ours.
    if (name.text === "describe") continue;
    const text = value === null ? null : scope.expand(value.text, value.range);
    switch (name.text) {
      case "type":
        if (text === "string" || text === "int" || text === "bool") type = text;
        else if (text !== null) {
          findings.error("UnknownArgumentType", `there is no type ${text}`, value?.range ?? range, {
            hint: didYouMean(text, argumentTypes) ?? `types: ${argumentTypes.join(", ")}`,
          });
        }
        break;
      case "choices":
        if (text !== null) choices = readChoices(text, value?.range ?? range, findings);
        break;
      case "required":
        isRequired = value === null || value.text.toLowerCase() === "true";
        break;
      default:
        // The parser has reported what ARG does not know.
        break;
    }
  }
  for (const choice of choices ?? [])
    checkForm({ name: "--choices", value: choice, type }, instruction.range, findings);
  return { type, choices, isRequired };
}

function readChoices(text: string, range: Range, findings: Findings): readonly string[] | null {
  const choices = text.split(",").map((choice) => choice.trim());
  if (!choices.includes("")) return choices;
  findings.error("InvalidFlagValue", "a choice between commas is empty", range, {
    hint: "write --choices=dev,prod",
  });
  return null;
}

export interface TypedValue {
  readonly name: string;
  readonly value: string;
  readonly type: ArgumentType;
  /** Where the value is written, or the argument is declared. */
  readonly range: Range;
  /** True when the value comes from outside the text: the message then says so. */
  readonly isGiven: boolean;
}

/** Says why a value does not fit. */
export function checkValue(
  { name, value, type, range, isGiven }: TypedValue,
  findings: Findings,
  related?: readonly RelatedLocation[],
): void {
  const more = related === undefined ? {} : { related };
  const what = isGiven ? `${name}, which is given as ${JSON.stringify(value)},` : JSON.stringify(value);
  if (!hasForm(value, type.type)) {
    findings.error("WrongArgumentType", `${what} is no ${type.type}`, range, {
      hint: formHints[type.type],
      ...more,
    });
    return;
  }
  if (type.choices === null || type.choices.includes(value)) return;
  findings.error("ArgumentNotAChoice", `${what} is none of the choices for ${name}`, range, {
    hint: didYouMean(value, type.choices) ?? `choices: ${type.choices.join(", ")}`,
    ...more,
  });
}

const formHints: Readonly<Record<ArgumentType["type"], string>> = {
  string: "any text is one",
  int: "write a whole number, e.g. 8080",
  bool: "write true or false",
};

function hasForm(value: string, type: ArgumentType["type"]): boolean {
  if (type === "int") return /^[+-]?\d+$/.test(value);
  return type === "string" || value === "true" || value === "false";
}

function checkForm(
  {
    name,
    value,
    type,
  }: { readonly name: string; readonly value: string; readonly type: ArgumentType["type"] },
  range: Range,
  findings: Findings,
): void {
  if (hasForm(value, type)) return;
  findings.error("WrongArgumentType", `${JSON.stringify(value)} in ${name} is no ${type}`, range, {
    hint: formHints[type],
  });
}
