import type { Argument, Command, Option } from "commander";

/** A word that the shell may put at the cursor. */
export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** What the shell adds by itself: names of files or folders. */
export type ShellPart = "files" | "folders" | "nothing";

export interface Completion {
  readonly candidates: readonly Candidate[];
  readonly shellPart: ShellPart;
  /** No blank behind what is put in: more of the word is to come. */
  readonly goesOn: boolean;
}

/** Things that have names. */
export type NameKind = "snapshot" | "sandbox" | "volume" | "stage" | "build argument" | "ssh agent" | "rule";

/** What the words before the cursor say about where to look. */
export interface NameRequest {
  readonly kind: NameKind;
  /** `--host` */
  readonly host: string | null;
  /** `--file` */
  readonly file: string | null;
  /** The command's first argument: the Lightfile or its folder, where the command takes one. */
  readonly path: string | null;
}

export type NameSource = (request: NameRequest) => Promise<readonly Candidate[]>;

/**
 * Completes the last of the words behind `lightbox`. What may stand there is read from the commands themselves: their
 * options, choices and the placeholders in their usage, such as `<snapshot>`.
 */
export async function completeWords(
  program: Command,
  words: readonly string[],
  names: NameSource,
): Promise<Completion> {
  const current = words.at(-1) ?? "";
  const line = readLine(program, words.slice(0, -1));
  const { command, pending } = line;
  if (pending !== null) return await completeValue(line, { current, prefix: "", of: pending, names });
  const equals = current.indexOf("=");
  if (line.takesOptions && current.startsWith("--") && equals !== -1) {
    const option = findOption(command, current.slice(0, equals));
    if (option === undefined || !takesValue(option)) return nothing;
    const prefix = current.slice(0, equals + 1);
    return await completeValue(line, { current: current.slice(equals + 1), prefix, of: option, names });
  }
  if (line.takesOptions && current.startsWith("-")) return completeOption(line, current);
  if (command.commands.length > 0 && line.positionals.length === 0) return completeCommand(command, current);
  const argument = argumentAt(command, line.positionals.length);
  return argument === undefined
    ? nothing
    : await completeValue(line, { current, prefix: "", of: argument, names });
}

const nothing: Completion = { candidates: [], shellPart: "nothing", goesOn: false };

/** What the words before the cursor are. */
interface Line {
  readonly command: Command;
  readonly positionals: readonly string[];
  /** The option whose value comes next. */
  readonly pending: Option | null;
  readonly takesOptions: boolean;
  /** By long name. */
  readonly given: ReadonlyMap<string, string>;
}

function readLine(program: Command, words: readonly string[]): Line {
  let command = program;
  let pending: Option | null = null;
  let takesOptions = true;
  const positionals: string[] = [];
  const given = new Map<string, string>();
  for (const word of words) {
    if (pending !== null) {
      given.set(pending.long ?? "", word);
      pending = null;
    } else if (takesOptions && word === "--") takesOptions = false;
    else if (takesOptions && word.startsWith("-") && word !== "-") {
      const equals = word.indexOf("=");
      const option = findOption(command, equals === -1 ? word : word.slice(0, equals));
      if (option !== undefined) given.set(option.long ?? "", equals === -1 ? "" : word.slice(equals + 1));
      if (option !== undefined && equals === -1 && option.required) pending = option;
    } else {
      const child: Command | undefined =
        positionals.length === 0
          ? command.commands.find((candidate) => candidate.name() === word)
          : undefined;
      if (child === undefined) positionals.push(word);
      else command = child;
      // Behind the name of a sandbox the options are those of the command that runs in it.
      if (positionals.length > 0 && runsCommand(command)) takesOptions = false;
    }
  }
  return { command, positionals, pending, takesOptions, given };
}

function runsCommand(command: Command): boolean {
  return command.registeredArguments.some((argument) => argument.name() === "command");
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

/** An option of the command or of those above it, by its long or short name. */
function findOption(command: Command, name: string): Option | undefined {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const found = at.options.find((option) => option.long === name || option.short === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function argumentAt(command: Command, index: number): Argument | undefined {
  const last = command.registeredArguments.at(-1);
  return command.registeredArguments[index] ?? (last?.variadic === true ? last : undefined);
}

function completeCommand(command: Command, current: string): Completion {
  const candidates = command
    .createHelp()
    .visibleCommands(command)
    .map((child) => ({ value: child.name(), description: child.description() }));
  return { ...nothing, candidates: startingWith(candidates, current) };
}

function completeOption({ command, given }: Line, current: string): Completion {
  const options = command.createHelp().visibleOptions(command);
  const candidates = options.flatMap((option): Candidate[] => {
    const { long } = option;
    // An option whose default is a list or a table may be given again.
    const isRepeatable = typeof option.defaultValue === "object";
    if (!long || (given.has(long) && !isRepeatable)) return [];
    return [{ value: long, description: option.description }];
  });
  return { ...nothing, candidates: startingWith(candidates, current) };
}

interface ValueRequest {
  readonly current: string;
  /** Stands before the value in the same word: `--target=`. */
  readonly prefix: string;
  readonly of: Option | Argument;
  readonly names: NameSource;
}

async function completeValue(line: Line, request: ValueRequest): Promise<Completion> {
  const { current, prefix, of, names } = request;
  const found =
    of.argChoices?.map((value) => ({ value, description: "" })) ?? (await namesFor(line, of, names));
  const candidates = startingWith(found, current).map(({ value, description }) => ({
    value: prefix + value,
    description,
  }));
  const goesOn = candidates.some(({ value }) => /[=:]$/.test(value));
  const placeholder = placeholderOf(of);
  // Behind the colon comes a path of the guest.
  const isBehindSource = placeholder === mountPlaceholder && current.includes(":");
  const shellPart = isBehindSource ? "nothing" : (shellParts[placeholder] ?? "nothing");
  return { candidates, shellPart, goesOn };
}

/** Names that are made up when they are given: what exists already is no help there. */
const newNames = ["--name"];

async function namesFor(line: Line, of: Option | Argument, names: NameSource): Promise<readonly Candidate[]> {
  const placeholder = placeholderOf(of);
  const kinds = nameKinds[placeholder];
  if (kinds === undefined || ("long" in of && newNames.includes(of.long ?? ""))) return [];
  const { command, given, positionals } = line;
  const first = command.registeredArguments[0]?.name() ?? "";
  const path = ["path", "lightfile", "target", "file", "files"].includes(first)
    ? (positionals[0] ?? null)
    : null;
  const host = given.get("--host") ?? null;
  const lists = kinds.map((kind) => names({ kind, host, file: given.get("--file") ?? null, path }));
  const already = "long" in of ? [] : positionals;
  const found = (await Promise.all(lists)).flat().filter(({ value }) => !already.includes(value));
  if (placeholder !== mountPlaceholder) return found;
  return found.map(({ value, description }) => ({ value: `${value}:`, description }));
}

/** The word between the brackets of an argument or of an option's value, without `...`. */
function placeholderOf(of: Option | Argument): string {
  if (!("flags" in of)) return of.name();
  return /[<[](.+)[>\]]$/.exec(of.flags)?.[1]?.replace(/\.{3}$/, "") ?? "";
}

/** Of `run -v`. */
const mountPlaceholder = "source:path[:ro]";

const nameKinds: Readonly<Record<string, readonly NameKind[]>> = {
  snapshot: ["snapshot"],
  sandbox: ["sandbox"],
  volume: ["volume"],
  [mountPlaceholder]: ["volume"],
  stage: ["stage"],
  target: ["snapshot"],
  rule: ["rule"],
  agent: ["ssh agent"],
  "name=value": ["build argument"],
};

const shellParts: Readonly<Record<string, ShellPart>> = {
  path: "files",
  file: "files",
  files: "files",
  lightfile: "files",
  dockerfile: "files",
  target: "files",
  command: "files",
  folder: "folders",
  context: "folders",
  [mountPlaceholder]: "folders",
};

function startingWith(candidates: readonly Candidate[], current: string): readonly Candidate[] {
  return candidates.filter(({ value }) => value.startsWith(current));
}
