import type { Range, SourceFile } from "../diagnostics/source-file.ts";

/**
 * The syntax tree of a Lightfile. Nodes are immutable, each has its range, and nothing in it is expanded:
 * variables are read later, when their values are known.
 */
export interface LightfileTree {
  readonly source: SourceFile;
  readonly directives: readonly Directive[];
  readonly comments: readonly Comment[];
  /** In file order. Instructions with mistakes are in it too, as far as they could be read. */
  readonly instructions: readonly Instruction[];
  /** The escape character of the file: a backslash unless `# escape=` says backtick. */
  readonly escape: "\\" | "`";
}

/** `# key=value` before anything else in the file. */
export interface Directive {
  readonly name: Word;
  readonly value: Word;
  readonly range: Range;
}

export interface Comment {
  /** Without the `#`, not trimmed. */
  readonly text: string;
  readonly range: Range;
}

/** A piece of text as written (quotes and escapes kept, continuations joined) and where it stands. */
export interface Word {
  readonly text: string;
  readonly range: Range;
}

/** `--name=value`; `value` is null for a bare `--name`. Quotes in the value are already removed. */
export interface Flag {
  readonly name: Word;
  readonly value: Word | null;
  readonly range: Range;
}

export interface Heredoc {
  /** Without quotes. */
  readonly delimiter: Word;
  /** With leading tabs already removed when `stripTabs`; line ends are LF. */
  readonly body: string;
  readonly bodyRange: Range;
  /** False when the delimiter is quoted: nothing in the body is expanded. */
  readonly expand: boolean;
  /** `<<-` */
  readonly stripTabs: boolean;
}

interface InstructionBase {
  readonly keyword: Word;
  /** From the keyword to the last character, heredoc bodies included. */
  readonly range: Range;
  readonly flags: readonly Flag[];
  readonly heredocs: readonly Heredoc[];
}

/** The command of RUN, CMD, ENTRYPOINT, HEALTHCHECK, TEST and ENV --from-output. */
export type Command =
  /** One command line for the shell; `line` has continuations joined, heredoc bodies left out. */
  | { readonly form: "shell"; readonly line: Word }
  /** A JSON array; the words hold the decoded strings. */
  | { readonly form: "exec"; readonly argv: readonly Word[] };

export interface NamedValue {
  readonly name: Word;
  readonly value: Word;
}

export interface FromInstruction extends InstructionBase {
  readonly kind: "from";
  readonly image: Word;
  /** The AS before the alias, as written. */
  readonly as: Word | null;
  readonly alias: Word | null;
}
export interface ArgInstruction extends InstructionBase {
  readonly kind: "arg";
  /** `value` is null when there is no default (`ARG name`), which differs from an empty one (`ARG name=`). */
  readonly declarations: readonly { readonly name: Word; readonly value: Word | null }[];
}
export interface EnvInstruction extends InstructionBase {
  readonly kind: "env";
  readonly pairs: readonly NamedValue[];
  /** The old form `ENV name all the rest`. */
  readonly legacy: boolean;
}
/** `ENV --from-output NAME command`: what the command prints becomes the variable's value. */
export interface EnvFromOutputInstruction extends InstructionBase {
  readonly kind: "env-from-output";
  readonly name: Word;
  readonly command: Command;
}
export interface LabelInstruction extends InstructionBase {
  readonly kind: "label";
  readonly pairs: readonly NamedValue[];
  readonly legacy: boolean;
}
export interface RunInstruction extends InstructionBase {
  readonly kind: "run";
  readonly command: Command;
}
/** `TEST command`: run in a sandbox on the stage's result; no layer comes of it. */
export interface TestInstruction extends InstructionBase {
  readonly kind: "test";
  readonly command: Command;
}
export interface CmdInstruction extends InstructionBase {
  readonly kind: "cmd";
  readonly command: Command;
}
export interface EntrypointInstruction extends InstructionBase {
  readonly kind: "entrypoint";
  readonly command: Command;
}
/** COPY and ADD. A heredoc among the sources is the word `<<NAME` and has its body in `heredocs`. */
export interface CopyInstruction extends InstructionBase {
  readonly kind: "copy" | "add";
  readonly sources: readonly Word[];
  readonly destination: Word;
  /** True when the words came from a JSON array. */
  readonly json: boolean;
}
export interface WorkdirInstruction extends InstructionBase {
  readonly kind: "workdir";
  readonly path: Word;
}
export interface UserInstruction extends InstructionBase {
  readonly kind: "user";
  readonly user: Word;
}
export interface ShellInstruction extends InstructionBase {
  readonly kind: "shell";
  readonly argv: readonly Word[];
}
/** `SNAPSHOT name`: the name under which the stage is published when it is the target. */
export interface SnapshotInstruction extends InstructionBase {
  readonly kind: "snapshot";
  readonly name: Word;
}
/** `RESOURCES cpus=2 memory=1G disk=8G`: of the builder of this stage. */
export interface ResourcesInstruction extends InstructionBase {
  readonly kind: "resources";
  readonly settings: readonly NamedValue[];
}
/** `MIXIN name`: starts a block of instructions that USE puts in place; it lasts to the next MIXIN, FROM or IMPORT. */
export interface MixinInstruction extends InstructionBase {
  readonly kind: "mixin";
  readonly name: Word;
}
/** `USE name key=value…`, or `USE import#name key=value…` for a mixin of another file. */
export interface UseInstruction extends InstructionBase {
  readonly kind: "use";
  readonly mixin: Word;
  readonly parameters: readonly NamedValue[];
}
/** `IMPORT reference AS alias`: gives another Lightfile a name. Its `--arg` flags are in `flags`. */
export interface ImportInstruction extends InstructionBase {
  readonly kind: "import";
  readonly reference: Word;
  /** The AS before the alias, as written. */
  readonly as: Word;
  readonly alias: Word;
}
/** An instruction that the parser reads in full but that no part acts on yet, or whose words say it all. */
export interface OtherInstruction extends InstructionBase {
  readonly kind: "expose" | "volume" | "stopsignal" | "maintainer";
  readonly words: readonly Word[];
  /** True when the words came from a JSON array. */
  readonly json: boolean;
}
export interface HealthcheckInstruction extends InstructionBase {
  readonly kind: "healthcheck";
  /** Null for `HEALTHCHECK NONE`. */
  readonly command: Command | null;
  /** CMD or NONE, then the command line as one word or the strings of the array. */
  readonly words: readonly Word[];
  readonly json: boolean;
}
export interface OnbuildInstruction extends InstructionBase {
  readonly kind: "onbuild";
  /** The instruction that is kept for later; its heredocs are those of this node, too. */
  readonly trigger: Instruction;
  /** The trigger's line as one word, without heredoc bodies. */
  readonly words: readonly Word[];
  readonly json: boolean;
}
/** A line with mistakes that leave nothing to act on: its diagnostics say why. */
export interface InvalidInstruction extends InstructionBase {
  readonly kind: "invalid";
  readonly words: readonly Word[];
  /** True when the words came from a JSON array. */
  readonly json: boolean;
}

export type Instruction =
  | FromInstruction
  | ArgInstruction
  | EnvInstruction
  | EnvFromOutputInstruction
  | LabelInstruction
  | RunInstruction
  | TestInstruction
  | CmdInstruction
  | EntrypointInstruction
  | CopyInstruction
  | WorkdirInstruction
  | UserInstruction
  | ShellInstruction
  | SnapshotInstruction
  | ResourcesInstruction
  | MixinInstruction
  | UseInstruction
  | ImportInstruction
  | OtherInstruction
  | HealthcheckInstruction
  | OnbuildInstruction
  | InvalidInstruction;
