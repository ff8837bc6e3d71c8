import type { Range } from "../../diagnostics/source-file.ts";
import { holdsWindows } from "../../graph/windows-image.ts";
import type { Instruction, LightfileTree } from "../../lightfile/ast.ts";
import { joinContinuations } from "../../lightfile/joined-text.ts";
import { baseStage, bottomImage } from "../earlier-stages.ts";
import type { Block, LintedFile } from "../linted-file.ts";
import { readShell, type ShellCommand, type ShellOperator } from "./read-shell.ts";

/** An instruction whose command runs while baking. */
export type CommandInstruction = Extract<Instruction, { readonly kind: "run" | "test" | "env-from-output" }>;

export interface LocatedWord {
  readonly text: string;
  /** In the file. */
  readonly range: Range;
}

/** A program that an instruction starts. */
export interface LocatedCommand {
  readonly operator: ShellOperator;
  readonly depth: number;
  /** As of a {@link ShellCommand}. */
  readonly isAsked: boolean;
  /** The base name of the program; `sudo`, `env` and the like before it are looked through. */
  readonly program: string;
  /** With the program, from the first word on. */
  readonly words: readonly LocatedWord[];
  /** The words behind the program. */
  readonly arguments: readonly LocatedWord[];
  readonly range: Range;
}

const known = new WeakMap<Instruction, readonly LocatedCommand[]>();

/** The shell commands of a RUN, TEST or ENV --from-output; none where another kind of shell or program reads the text. */
export function commandsOf(instruction: CommandInstruction, tree: LightfileTree): readonly LocatedCommand[] {
  const found = known.get(instruction) ?? readCommands(instruction, tree);
  known.set(instruction, found);
  return found;
}

export function isCommandInstruction(instruction: Instruction): instruction is CommandInstruction {
  return instruction.kind === "run" || instruction.kind === "test" || instruction.kind === "env-from-output";
}

export interface ShellRun {
  readonly run: Extract<Instruction, { readonly kind: "run" }>;
  readonly commands: readonly LocatedCommand[];
  /** What SHELL says at that point. */
  readonly shell: readonly string[];
  readonly block: Block;
}

/** The RUNs of a file that a POSIX shell reads, block by block. */
export function* shellRuns(file: LintedFile): Generator<ShellRun> {
  for (const block of file.blocks) yield* shellRunsOf(file, block);
}

/** The RUNs of one block that a POSIX shell reads. */
export function* shellRunsOf(file: LintedFile, block: Block): Generator<ShellRun> {
  if (holdsWindows(bottomImage(file, block))) return;
  let shell = inheritedShell(file, block);
  for (const instruction of block.instructions) {
    if (instruction.kind === "shell") shell = instruction.argv.map((word) => word.text);
    if (instruction.kind !== "run" || instruction.command.form === "exec" || !isPosixShell(shell)) continue;
    yield { run: instruction, commands: commandsOf(instruction, file.tree), shell, block };
  }
}

const defaultShell: readonly string[] = ["/bin/sh", "-c"];

const inherited = new WeakMap<Block, readonly string[]>();

/** The SHELL that a stage has from the stage that it is FROM. */
export function inheritedShell(file: LintedFile, block: Block): readonly string[] {
  // From the bottom up, so that a long chain of stages is gone through once.
  const chain: Block[] = [];
  let at: Block | undefined = block;
  while (at !== undefined && !inherited.has(at)) {
    chain.push(at);
    at = at.kind === "stage" ? baseStage(file, at) : undefined;
  }
  for (const one of chain.toReversed()) {
    const base = one.kind === "stage" ? baseStage(file, one) : undefined;
    inherited.set(
      one,
      base === undefined ? defaultShell : (lastShell(base) ?? inherited.get(base) ?? defaultShell),
    );
  }
  return inherited.get(block) ?? defaultShell;
}

function lastShell({ instructions }: Block): readonly string[] | undefined {
  const last = instructions.findLast((instruction) => instruction.kind === "shell");
  return last?.kind === "shell" ? last.argv.map((word) => word.text) : undefined;
}

const posixShells = /(?:^|\/)(?:a|ba|da|k|mk|z)?sh$|busybox$/;

function isPosixShell(shell: readonly string[]): boolean {
  return posixShells.test(shell[0] ?? "");
}

function readCommands(instruction: CommandInstruction, tree: LightfileTree): readonly LocatedCommand[] {
  const { command, heredocs } = instruction;
  if (command.form === "exec") {
    const words = command.argv.map(({ text, range }) => ({ text, range }));
    const [located] = locate([{ operator: "start", depth: 0, isAsked: false, words }], (range) => range);
    return located === undefined ? [] : [located];
  }
  const text = tree.source.text.endsWith("\n") ? tree.source.text : `${tree.source.text}\n`;
  const [heredoc] = heredocs;
  if (heredoc !== undefined && heredocs.length === 1 && /^<<-?[ \t]*\S+$/.test(command.line.text.trim())) {
    const { start, end } = heredoc.bodyRange;
    const body = text.slice(start, end);
    const interpreter = /^\s*#!\s*(\S+)(?:\s+(\S+))?/.exec(body);
    const program = interpreter?.[1]?.endsWith("/env") === true ? interpreter[2] : interpreter?.[1];
    if (program !== undefined && !posixShells.test(program)) return [];
    return locate(readShell(body), (range) => ({ start: start + range.start, end: start + range.end }));
  }
  const joined = joinContinuations(text, command.line.range, tree.escape);
  return locate(readShell(joined.text), ({ start, end }) => ({
    start: joined.sourceOffset(start),
    end: joined.sourceOffset(Math.max(start, end - 1)) + 1,
  }));
}

/** Programs that start the program named by their first argument that is no option. */
const wrappers = new Set(["sudo", "env", "exec", "command", "nice", "nohup", "eatmydata", "xvfb-run"]);

function locate(
  commands: readonly ShellCommand[],
  place: (range: Range) => Range,
): readonly LocatedCommand[] {
  return commands.flatMap(({ operator, depth, isAsked, words }): readonly LocatedCommand[] => {
    const located = words.map(({ text, range }) => ({ text, range: place(range) }));
    let at = 0;
    while (at < located.length - 1 && wrappers.has(located[at]?.text ?? "")) {
      at++;
      while (at < located.length - 1 && /^(?:-|[A-Za-z_]\w*=)/.test(located[at]?.text ?? "")) at++;
    }
    const program = located[at];
    const [first] = located;
    const last = located.at(-1);
    if (program === undefined || first === undefined || last === undefined) return [];
    return [
      {
        operator,
        depth,
        isAsked,
        program: program.text.slice(program.text.lastIndexOf("/") + 1),
        words: located,
        arguments: located.slice(at + 1),
        range: { start: first.range.start, end: last.range.end },
      },
    ];
  });
}
