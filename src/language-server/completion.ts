import {
  describeInstruction,
  type InstructionName,
  instructionNames,
  isInstructionName,
  resourceSettings,
} from "../lightfile/reserved.ts";
import { blockAt } from "./blocks.ts";
import { completeComment } from "./complete-comments.ts";
import { completeFlag } from "./complete-flags.ts";
import { completeMixins, completeParameters, completeStages } from "./complete-names.ts";
import { completeContext, completeLightfiles } from "./complete-paths.ts";
import { type CompletionContext, type CompletionSources, plain } from "./completion-context.ts";
import { signals } from "./flag-values.ts";
import { describe, predefinedVariables } from "./reference.ts";
import { type ArgumentsSpot, spotAt } from "./spot.ts";
import type { Suggestion } from "./suggestion.ts";
import type { SymbolTable } from "./symbols.ts";

/** What could be written at an offset, best first within each kind; not filtered by what is written already. */
export function complete(
  table: SymbolTable,
  offset: number,
  sources: CompletionSources,
): readonly Suggestion[] {
  const spot = spotAt(table.tree, offset);
  if (spot === null) return [];
  const context = { table, offset, sources };
  switch (spot.kind) {
    case "comment":
      return completeComment(context, spot.text);
    case "heredoc":
      return completeVariable(context) ?? [];
    case "keyword":
      return completeKeyword(context, spot.start, spot.afterOnbuild);
    case "arguments":
      return completeVariable(context) ?? completeFlag(context, spot) ?? completeArgument(context, spot);
  }
}

function completeKeyword(
  context: CompletionContext,
  start: number,
  afterOnbuild: boolean,
): readonly Suggestion[] {
  const { table, offset, sources } = context;
  const block = blockAt(table.blocks, start);
  const range = { start, end: offset };
  return instructionNames.filter(isInstructionName).flatMap((name): Suggestion[] => {
    if (!mayStandIn(name, block.head?.kind ?? "outside", afterOnbuild)) return [];
    const { usage } = describeInstruction(name);
    const documentation = describe(sources.reference, name);
    return [{ label: name, kind: "instruction", newText: `${name} `, range, detail: usage, documentation }];
  });
}

/** What a block takes; what ends the block is offered everywhere. */
function mayStandIn(
  name: InstructionName,
  block: "from" | "mixin" | "outside",
  afterOnbuild: boolean,
): boolean {
  if (name === "MAINTAINER") return false;
  if (afterOnbuild) return !["FROM", "MIXIN", "IMPORT", "ONBUILD", "SNAPSHOT", "RESOURCES"].includes(name);
  if (["FROM", "MIXIN", "IMPORT", "ARG"].includes(name)) return true;
  if (block === "outside") return false;
  return block === "from" || !["SNAPSHOT", "RESOURCES", "ONBUILD"].includes(name);
}

/** Null when no variable is being written at the offset. */
function completeVariable(context: CompletionContext): readonly Suggestion[] | null {
  const { table, offset } = context;
  const before = table.tree.source.text.slice(Math.max(0, offset - 200), offset);
  const match = /\$(\{?)([A-Za-z_][A-Za-z0-9_]*)?$/.exec(before);
  if (match === null) return null;
  const start = offset - (match[2]?.length ?? 0);
  const isBraced = match[1] === "{";
  const closes = isBraced && table.tree.source.text.charAt(offset) !== "}";
  const block = blockAt(table.blocks, offset);
  // FROM reads what stands outside of stages.
  const scope = block.head?.kind === "from" && offset <= block.head.range.end ? 0 : block.index;
  const own = table.variables.namesIn(scope);
  const predefined = scope === 0 ? predefinedVariables.filter((name) => !own.includes(name)) : [];
  return [...own, ...predefined].map((name) => ({
    label: name,
    kind: "variable",
    newText: closes ? `${name}}` : name,
    range: { start, end: offset },
    detail: own.includes(name) ? "variable" : "predefined argument",
  }));
}

function completeArgument(context: CompletionContext, spot: ArgumentsSpot): readonly Suggestion[] {
  const { table, offset, sources } = context;
  const { word, wordStart } = spot;
  const words = spot.words.filter((before) => !before.startsWith("--"));
  const range = { start: wordStart, end: offset };
  const place = { table, offset, word, range, otherFile: sources.otherFile };
  switch (spot.name) {
    case "FROM":
      if (words.length === 1) return plain(context, wordStart, "value", ["AS"]);
      return words.length > 1 ? [] : [...completeStages(place), ...completeLightfiles(context, word)];
    case "IMPORT":
      if (words.length === 1) return plain(context, wordStart, "value", ["AS"]);
      return words.length > 1 ? [] : completeLightfiles(context, word);
    case "USE":
      if (words[0] === undefined) return completeMixins(place);
      if (word.includes("=")) return [];
      return completeParameters(
        place,
        words[0],
        words.slice(1).map((given) => given.replace(/=.*$/, "")),
      );
    case "COPY":
    case "ADD":
      if (spot.words.some((before) => before.startsWith("--from="))) return [];
      return completeContext(context, word);
    case "ARG": {
      if (blockAt(table.blocks, offset).head === null || word.includes("=")) return [];
      const names = [...table.variables.argumentsOf(0), ...predefinedVariables];
      return plain(context, wordStart, "variable", [...new Set(names)]);
    }
    case "RESOURCES": {
      const given = words.map((before) => before.replace(/=.*$/, ""));
      const left = resourceSettings.filter((name) => !given.includes(name));
      return word.includes("=")
        ? []
        : plain(
            context,
            wordStart,
            "value",
            left.map((name) => `${name}=`),
          );
    }
    case "HEALTHCHECK":
      return words.length === 0 ? plain(context, wordStart, "value", ["CMD", "NONE"]) : [];
    case "STOPSIGNAL":
      return words.length === 0 ? plain(context, wordStart, "value", signals) : [];
    default:
      return [];
  }
}
