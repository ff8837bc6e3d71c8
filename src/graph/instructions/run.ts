import { posix } from "node:path";
import type { Command, Flag, Heredoc, Instruction, RunInstruction } from "../../lightfile/ast.ts";
import type { RunCommand } from "../../model/step-operation.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { readCount, readDuration } from "./duration.ts";
import { type FlagEffect, flagValue, type ReadFlags, readFlags } from "./flags.ts";
import { readMounts } from "./mount.ts";
import { readNetwork } from "./network.ts";

const mostRetries = 100;

/** The flags of a step that runs a command. */
export const runFlags = {
  mount: "acts",
  network: "acts",
  timeout: "acts",
  retry: "acts",
  "no-cache": "acts",
} as const satisfies Record<string, FlagEffect>;

export function readRun(stage: StageBuilder, instruction: RunInstruction): void {
  const flags = readFlags(stage, instruction, { ...runFlags, security: "acts" });
  readSecurity(stage, flags.get("security"));
  addRun(stage, instruction, { flags, outputVariable: null });
}

interface RunParts {
  readonly flags: ReadFlags;
  /** The variable whose value is what the command prints; null: none. */
  readonly outputVariable: string | null;
}

/** A step that runs a command at this point of the stage; false when a diagnostic says that there is nothing to run. */
export function addRun(
  stage: StageBuilder,
  instruction: CommandInstruction,
  { flags, outputVariable }: RunParts,
): boolean {
  const mounts = readMounts(stage, flags.all("mount"));
  const network = stage.scope.alone(() => readNetwork(stage, flags.get("network")));
  const timeoutMs = stage.scope.alone(() => readDuration(stage, flags.get("timeout")));
  const retries = stage.scope.alone(() =>
    readCount(stage, flags.get("retry"), { least: 0, most: mostRetries }),
  );
  // What the flags read: they may stand on arguments that are not in the command's environment.
  const variables = stage.scope.read;
  const command = readRunCommand(stage, instruction);
  if (command === null) return false;
  const { environment, outputVariables, proxies } = stage.runEnvironment();
  stage.addStep(
    instruction,
    {
      kind: "run",
      command,
      outputVariable,
      mounts,
      network,
      timeoutSeconds: timeoutMs === null ? null : timeoutMs / 1000,
      retries: retries ?? 0,
      runsAlways: flags.isOn("no-cache"),
      environment,
      outputVariables,
      user: stage.configuration.user,
      workingDirectory: stage.configuration.workingDirectory,
      directories: stage.takePendingDirectories(),
      ...(Object.keys(proxies).length === 0 ? {} : { proxies }),
    },
    { ...environment, ...variables },
  );
  return true;
}

function readSecurity(stage: StageBuilder, flag: Flag | undefined): void {
  const value = flagValue(stage, flag);
  if (flag === undefined || value === null || value === "sandbox") return;
  if (value === "insecure") {
    stage.findings.warning("NoEffect", "--security=insecure of RUN changes nothing here", flag.range, {
      hint: "a step has a virtual machine to itself and is root in it: take the flag out",
      isToldOnce: true,
    });
    return;
  }
  stage.findings.error("NotSupportedYet", `there is no --security=${value} here`, flag.range, {
    hint: "it is sandbox or insecure in Dockerfiles, and neither changes anything here: take the flag out",
  });
}

/** An instruction that runs a command in a guest. */
export type CommandInstruction = Instruction & { readonly command: Command };

/** What RUN, TEST and ENV --from-output start; null when a diagnostic says that there is nothing. */
export function readRunCommand(stage: StageBuilder, instruction: CommandInstruction): RunCommand | null {
  const { command, heredocs } = instruction;
  const keyword = instruction.keyword.text.toUpperCase();
  if (command.form === "exec") {
    if (command.argv.length > 0 && command.argv[0]?.text !== "") {
      return { kind: "argv", argv: command.argv.map((word) => word.text) };
    }
    stage.findings.error("EmptyCommand", `${keyword} has no program to start`, instruction.range, {
      hint: `write the program first, e.g. ${keyword} ["/bin/true"]`,
    });
    return null;
  }
  const { shell } = stage.configuration;
  const line = command.line.text;
  if (line.trim() === "") {
    stage.findings.error("EmptyCommand", `${keyword} has no command`, instruction.range, {
      hint: `write the command on this line, or a heredoc below it: ${keyword} <<EOF`,
    });
    return null;
  }
  const [first] = heredocs;
  if (first === undefined) return { kind: "argv", argv: [...shell, line] };
  if (heredocs.length === 1 && isHeredocAlone(line, first)) return scriptCommand(shell, first.body);
  return { kind: "argv", argv: [...shell, `${line}\n${heredocs.map(heredocText).join("")}`] };
}

/** `RUN <<EOF` and nothing else on the line: the body is the script. */
function isHeredocAlone(line: string, heredoc: Heredoc): boolean {
  const match = /^<<-?[ \t]*(["']?)(.+)\1$/.exec(line.trim());
  return match?.[2] === heredoc.delimiter.text;
}

/** The body and its end, for a shell that does the redirecting itself. */
function heredocText(heredoc: Heredoc): string {
  return `${withNewline(heredoc.body)}${heredoc.delimiter.text}\n`;
}

/** Shells that know `set -e`. */
const posixShells = new Set(["sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "busybox"]);

/**
 * The script of a lone heredoc. The shell gets `set -e` first, so that a failing line fails the step: without
 * it a heredoc's status is its last line's, and a half-done step would be cached as a good one. A script that
 * begins with `#!` names its own interpreter, and a shell of another kind gets the body as it is.
 */
function scriptCommand(shell: readonly string[], body: string): RunCommand {
  if (body.startsWith("#!")) return { kind: "script", content: withNewline(body) };
  const program = posix.basename(shell[0] ?? "");
  return { kind: "argv", argv: [...shell, posixShells.has(program) ? `${stopping}${body}` : body] };
}

const stopping = "set -e\n";

/** Whether a command is a heredoc's script that a failing line ends, unless it says otherwise itself. */
export function stopsAtFirstFailure(command: RunCommand): boolean {
  const script = command.kind === "argv" ? command.argv.at(-1) : undefined;
  return script?.startsWith(stopping) === true && !script.startsWith("set +e", stopping.length);
}

function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
