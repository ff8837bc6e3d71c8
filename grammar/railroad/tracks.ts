import { LightfileGrammar } from "../../src/lightfile/grammar.ts";
import { parseLightfile } from "../../src/lightfile/parse.ts";
import {
  describeInstruction,
  type InstructionName,
  isInstructionName,
} from "../../src/lightfile/reserved.ts";
import { createVocabulary } from "../../src/lightfile/tokens.ts";
import type { Track } from "./draw.ts";

type Production = ReturnType<LightfileGrammar["getSerializedGastProductions"]>[number];

/** One rule of the parser. */
export interface RuleTrack {
  readonly name: string;
  readonly track: Track;
}

/** What a token that is more than a fixed word stands for. */
export interface TokenText {
  readonly name: string;
  readonly meaning: string;
}

/** Tokens by their name in the parser; what is not here is a fixed word. */
export const tokenTexts: Readonly<Record<string, TokenText>> = {
  Command: {
    name: "command",
    meaning: "a command line, or a JSON array of strings that takes up the rest of the line",
  },
  Argument: {
    name: "argument",
    meaning: "a word; the mark of a heredoc such as <<EOF; or one JSON array with all arguments",
  },
  Word: { name: "word", meaning: "characters other than white space" },
  Text: { name: "text", meaning: "the rest of the line without white space around it" },
  Assignment: {
    name: "name=value",
    meaning:
      "a name and a value, which may be quoted; ARG takes a bare name too, ENV and LABEL also the old form `name all the rest`",
  },
  EnvironmentArgument: {
    name: "environment",
    meaning: "name=value, or the old form `name all the rest`; behind --from-output the command",
  },
  OutputName: { name: "output name", meaning: "behind --from-output: the name of the variable" },
  MixinName: { name: "mixin", meaning: "the name of a mixin, or import#mixin" },
  HeredocBodies: {
    name: "heredoc bodies",
    meaning:
      "one body for each mark in the instruction, each up to the line that holds its word and nothing else",
  },
  EndOfLine: {
    name: "end of line",
    meaning: "a line feed; the escape character before it continues the line instead",
  },
};

/** Rules for what is no instruction: they serve messages only. */
const rulesForMistakes = ["unknown", "bareOnbuild"];

/** The rules of the parser, in its order. */
export function readTracks(): readonly RuleTrack[] {
  const grammar = new LightfileGrammar(createVocabulary("\\"), { validate: false, beginnings: null });
  const rules = grammar
    .getSerializedGastProductions()
    .filter((rule) => !rulesForMistakes.includes(nameOf(rule)));
  const inOrder = rules.toSorted((a, b) => rank(nameOf(a)) - rank(nameOf(b)));
  return inOrder.map((rule) => {
    const name = nameOf(rule);
    const instruction = name.toUpperCase();
    const track = sequenceOf(rule, isInstructionName(instruction) ? instruction : null);
    return {
      name: isInstructionName(instruction) ? instruction : name,
      track: track ?? { kind: "sequence", items: [] },
    };
  });
}

/** The file, then what it is made of. */
function rank(name: string): number {
  return name === "lightfile" ? 0 : name === "instruction" ? 1 : 2;
}

function nameOf(production: Production): string {
  return "name" in production ? String(production.name) : "";
}

function partsOf(production: Production): readonly Production[] {
  return "definition" in production && Array.isArray(production.definition) ? production.definition : [];
}

/** Null for a part that never stands in this instruction. */
function trackOf(production: Production, instruction: InstructionName | null): Track | null {
  switch (production.type) {
    case "Terminal":
      return terminal(production, instruction);
    case "NonTerminal":
      return reference(nameOf(production));
    case "Option": {
      const item = sequenceOf(production, instruction);
      return item && { kind: "optional", item };
    }
    case "Repetition": {
      const item = sequenceOf(production, instruction);
      return item && { kind: "optional", item: { kind: "repeated", item } };
    }
    case "RepetitionMandatory": {
      const item = sequenceOf(production, instruction);
      return item && { kind: "repeated", item };
    }
    case "Alternation": {
      const items = partsOf(production).flatMap((part) => sequenceOf(part, instruction) ?? []);
      return { kind: "choice", items };
    }
    default:
      throw new Error(`the parser has a ${production.type}, which diagrams do not know`);
  }
}

function sequenceOf(production: Production, instruction: InstructionName | null): Track | null {
  const items = partsOf(production)
    .filter((part) => !rulesForMistakes.includes(nameOf(part)))
    .flatMap((part) => trackOf(part, instruction) ?? []);
  if (items.length === 0) return null;
  const [only] = items;
  return items.length === 1 && only !== undefined ? only : { kind: "sequence", items };
}

function reference(name: string): Track {
  const text = isInstructionName(name.toUpperCase()) ? name.toUpperCase() : name;
  return { kind: "named", text, href: `rule-${text}` };
}

function terminal(production: Production, instruction: InstructionName | null): Track | null {
  const name = nameOf(production);
  if (name === "Flag") return instruction === null ? null : flagsOf(instruction);
  if (name === "FlagsEnd") return { kind: "literal", text: "--" };
  if (name === "HeredocBodies" && (instruction === null || !takesHeredocs(instruction))) return null;
  const token = tokenTexts[name];
  if (token !== undefined) return { kind: "named", text: token.name, href: `token-${name}` };
  return { kind: "literal", text: spelling(production) };
}

/** The fixed word of a token: its pattern looks at what follows, too. */
function spelling(production: Production): string {
  const pattern = "pattern" in production ? String(production.pattern) : "";
  const word = /^[A-Z]+/.exec(pattern)?.[0];
  if (word === undefined) throw new Error(`the token ${nameOf(production)} has no text for diagrams`);
  return word;
}

function flagsOf(instruction: InstructionName): Track | null {
  const { flags } = describeInstruction(instruction);
  const items = Object.entries(flags).map(([flag, kind]): Track => {
    return { kind: "literal", text: kind === "boolean" ? `--${flag}` : `--${flag}=value` };
  });
  return items.length === 0 ? null : { kind: "choice", items };
}

/** The parser decides: whether it finds a body behind the instruction. */
function takesHeredocs(name: InstructionName): boolean {
  const start = name === "ENV" ? "ENV --from-output NAME" : name;
  const text = `${start} <<EOF /path\nbody\nEOF\n`;
  const { value } = parseLightfile({ path: "Lightfile", text });
  return value.instructions[0]?.heredocs.length === 1;
}
