import {
  describeInstruction,
  directiveNames,
  type InstructionName,
  instructionNames,
  isInstructionName,
  resourceSettings,
} from "../lightfile/reserved.ts";
import { blockAt } from "./blocks.ts";
import {
  completeArguments,
  completeMixins,
  completeParameters,
  completeStages,
  type OtherFile,
} from "./complete-names.ts";
import { mountKeys, mountValues, signals, valuesOfFlag } from "./flag-values.ts";
import { describe, predefinedVariables, type Reference } from "./reference.ts";
import { type ArgumentsSpot, spotAt } from "./spot.ts";
import type { FolderEntry, Suggestion, SuggestionKind } from "./suggestion.ts";
import type { SymbolTable } from "./symbols.ts";

export interface CompletionSources {
  readonly reference: Reference;
  readonly otherFile: OtherFile;
  /** What a folder of the context holds; the path is relative to its root, without ignored files. */
  readonly contextFolder: (path: string) => readonly FolderEntry[];
  /** What a folder holds; the path is relative to the Lightfile's. */
  readonly folder: (path: string) => readonly FolderEntry[];
  /** What lint can be told to leave out. */
  readonly rules: readonly RuleSummary[];
}

export interface RuleSummary {
  readonly name: string;
  /** When it speaks. */
  readonly summary: string;
}

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

interface Context {
  readonly table: SymbolTable;
  readonly offset: number;
  readonly sources: CompletionSources;
}

/** Suggestions for the text from `start` to the cursor. */
function plain(
  { offset }: Context,
  start: number,
  kind: SuggestionKind,
  labels: readonly string[],
): readonly Suggestion[] {
  return labels.map((label) => ({ label, kind, newText: label, range: { start, end: offset } }));
}

function completeKeyword(context: Context, start: number, afterOnbuild: boolean): readonly Suggestion[] {
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

function completeComment(context: Context, text: string): readonly Suggestion[] {
  const { table, offset } = context;
  const start = offset - (/\w*$/.exec(text)?.[0].length ?? 0);
  if (/^#\s*lightbox-ignore\s+(?:\w+[\s,]+)*\w*$/i.test(text)) return completeRule(context, start);
  if (/^#\s*check\s*=.*\b(?:skip|error|experimental)=(?:\w*,)*\w*$/i.test(text))
    return completeRule(context, start);
  if (/^#\s*check\s*=\s*\w*$/i.test(text)) return plain(context, start, "value", ["skip=", "error=true"]);
  if (/^#\s*[\w-]*$/.test(text)) {
    const inZone = table.tree.instructions.every((instruction) => instruction.range.start > offset);
    const names = (inZone ? directiveNames : ["check"]).map((name) => `${name}=`);
    const wordStart = offset - (/[\w-]*$/.exec(text)?.[0].length ?? 0);
    return plain(context, wordStart, "value", [...names, "lightbox-ignore "]);
  }
  if (/^#\s*escape\s*=\s*$/i.test(text)) return plain(context, offset, "value", ["\\", "`"]);
  return [];
}

function completeRule(context: Context, start: number): readonly Suggestion[] {
  const range = { start, end: context.offset };
  return [{ name: "all", summary: "every warning" }, ...context.sources.rules].map(({ name, summary }) => ({
    label: name,
    kind: "rule",
    newText: name,
    range,
    detail: summary,
  }));
}

/** Null when no variable is being written at the offset. */
function completeVariable(context: Context): readonly Suggestion[] | null {
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

/** Null when what is being written is no flag. */
function completeFlag(context: Context, spot: ArgumentsSpot): readonly Suggestion[] | null {
  if (!spot.mayBeFlag || !spot.word.startsWith("-")) return null;
  const { offset, sources } = context;
  const equals = spot.word.indexOf("=");
  const { flags } = describeInstruction(spot.name);
  if (equals !== -1) return completeFlagValue(context, spot, spot.word.slice(2, equals));
  const given = new Set(spot.words.map((word) => word.slice(2).replace(/=.*$/, "")));
  return Object.entries(flags).flatMap(([flag, kind]): Suggestion[] => {
    if (kind !== "values" && given.has(flag)) return [];
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

function completeFlagValue(context: Context, spot: ArgumentsSpot, flag: string): readonly Suggestion[] {
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
function referenceOnLine({ table, offset }: Context): string | undefined {
  const instruction = table.tree.instructions.find(
    ({ range }) => range.start <= offset && offset <= range.end,
  );
  if (instruction?.kind === "from") return instruction.image.text;
  return instruction?.kind === "import" ? instruction.reference.text : undefined;
}

function completeMount(context: Context, written: string): readonly Suggestion[] {
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

function completeArgument(context: Context, spot: ArgumentsSpot): readonly Suggestion[] {
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

/** Files and folders of the context, one level at a time. */
function completeContext(context: Context, word: string): readonly Suggestion[] {
  const written = word.replace(/^\[?"?/, "");
  return completePath(context, written, context.sources.contextFolder, () => true);
}

/** Other Lightfiles: their paths begin with a dot. */
function completeLightfiles(context: Context, word: string): readonly Suggestion[] {
  if (!word.startsWith(".") || word.includes("#")) return [];
  return completePath(context, word, context.sources.folder, (entry) => /lightfile/i.test(entry.name));
}

function completePath(
  context: Context,
  written: string,
  list: (path: string) => readonly FolderEntry[],
  isWanted: (entry: FolderEntry) => boolean,
): readonly Suggestion[] {
  const slash = written.lastIndexOf("/");
  const start = context.offset - (written.length - slash - 1);
  const entries = list(written.slice(0, slash + 1));
  return entries
    .filter((entry) => entry.isFolder || isWanted(entry))
    .map(({ name, isFolder }) => ({
      label: isFolder ? `${name}/` : name,
      kind: isFolder ? "folder" : "file",
      newText: isFolder ? `${name}/` : name,
      range: { start, end: context.offset },
      continues: isFolder,
    }));
}
