import { posix } from "node:path";
import type { Range } from "../diagnostics/source-file.ts";
import type { FromInstruction, Instruction, OtherInstruction, RunInstruction } from "../lightfile/ast.ts";
import { maintainerLabel } from "../lightfile/maintainer-label.ts";
import { type Change, withoutFlag } from "./change.ts";

export interface CarryOverContext {
  readonly text: string;
  /** The escape character of the file. */
  readonly escape: string;
  /** Program of the SHELL that holds at the instruction. */
  readonly shell: string;
}

const posixShells = new Set(["sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "busybox"]);

/** What has to be written in another way, or means something else, in an instruction that the parser can read. */
export function carryOver(instruction: Instruction, context: CarryOverContext): readonly Change[] {
  switch (instruction.kind) {
    case "from":
      return carryOverFrom(instruction);
    case "run":
      return [...carryOverRunFlags(instruction, context), ...noteScript(instruction, context)];
    case "copy":
    case "add":
      return instruction.flags
        .filter((flag) => flag.name.text === "link")
        .map((flag) => withoutFlag(context.text, flag, linkNote));
    case "maintainer":
      return [carryOverMaintainer(instruction, context.escape)];
    case "arg":
      return instruction.declarations.flatMap(({ name }) => noteBuilderArgument(name.text, name.range));
    case "onbuild":
      return carryOver(instruction.trigger, context);
    default:
      return [];
  }
}

export const linkNote = {
  kind: "different",
  message: "--link is left out: each layer is made on the one below it",
  hint: "nothing is to be done: when the files are the same, the layer is taken from the cache",
} as const;

function securityNote(value: string) {
  return {
    kind: "different",
    message: `--security=${value} is left out: a step runs as root of a microVM of its own`,
    hint: "nothing is to be done: it may do there what --security=insecure allows",
  } as const;
}

function carryOverFrom({ flags }: FromInstruction): readonly Change[] {
  const platform = flags.find((flag) => flag.name.text === "platform");
  if (platform?.value == null || platform.value.text.includes("$")) return [];
  const note = {
    kind: "different",
    message: `the stage can be baked where workers run ${platform.value.text} only; nothing is emulated`,
    hint: "take --platform out if the file is meant for every platform",
    range: platform.range,
  } as const;
  return [{ edits: [], note }];
}

function carryOverRunFlags({ flags }: RunInstruction, { text }: CarryOverContext): readonly Change[] {
  return flags.flatMap((flag): readonly Change[] => {
    const value = flag.value?.text ?? "";
    switch (flag.name.text) {
      case "security":
        return [withoutFlag(text, flag, securityNote(value))];
      case "network": {
        if (value !== "host") return [];
        const note = {
          kind: "lost",
          message: "the builder is another machine and has no part in this host's network",
          hint: "the internet is reached without the flag; a service of this host needs an address that others reach",
        } as const;
        return [withoutFlag(text, flag, note)];
      }
      case "device": {
        const message = `devices of this host, such as ${value || "that"}, are not in the builder`;
        const hint = "write the step so that it needs none";
        return [withoutFlag(text, flag, { kind: "lost", message, hint })];
      }
      default:
        return [];
    }
  });
}

/** A script in a heredoc stops at the first line that fails; a Dockerfile's does not. */
function noteScript(
  { command, heredocs, keyword }: RunInstruction,
  { shell }: CarryOverContext,
): readonly Change[] {
  const [script] = heredocs;
  if (command.form !== "shell" || script === undefined || heredocs.length > 1) return [];
  if (!/^<<-?[ \t]*\S+$/.test(command.line.text.trim()) || !posixShells.has(posix.basename(shell))) return [];
  const lines = script.body.split("\n").filter((line) => line.trim() !== "");
  const choosesItself = /^#!|^\s*set\s+[-+](?:[a-z]*e|o\s+errexit)/.test(lines[0] ?? "");
  if (lines.length < 2 || choosesItself) return [];
  const note = {
    kind: "different",
    message: "the script stops at the first line that fails; a Dockerfile's goes on",
    hint: "write set +e as its first line if later lines are to run all the same",
    range: { start: keyword.range.start, end: command.line.range.end },
  } as const;
  return [{ edits: [], note }];
}

function carryOverMaintainer(instruction: OtherInstruction, escapeChar: string): Change {
  const { range, keyword } = instruction;
  const note = {
    kind: "different",
    message: "MAINTAINER is written as a label",
    hint: "what reads the author of the image finds it under org.opencontainers.image.authors",
    range: keyword.range,
  } as const;
  return { edits: [{ range, newText: maintainerLabel(instruction, escapeChar) }], note };
}

/** Arguments that speak to Docker's builder. */
function noteBuilderArgument(name: string, range: Range): readonly Change[] {
  if (!name.startsWith("BUILDKIT_") && name !== "SOURCE_DATE_EPOCH") return [];
  const note = {
    kind: "different",
    message: `${name} is an argument like any other here; it tells the builder nothing`,
    hint: "take it out unless a step reads it",
    range,
  } as const;
  return [{ edits: [], note }];
}
