import { posix } from "node:path";
import type { Flag, Heredoc, RunInstruction } from "../../lightfile/ast.ts";
import { type NetworkAccess, plainRun, type RunCommand } from "../../model/step-operation.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { flagValue, readFlags } from "./flags.ts";

export function readRun(stage: StageBuilder, instruction: RunInstruction): void {
  const flags = readFlags(stage, instruction, { network: "acts", security: "acts" });
  refuseInsecure(stage, flags.get("security"));
  const network = readNetwork(stage, flags.get("network"));
  const command = runCommand(stage, instruction);
  if (command === null) return;
  const { environment, proxies } = stage.runEnvironment();
  stage.addStep(
    instruction,
    {
      kind: "run",
      command,
      environment,
      user: stage.configuration.user,
      workingDirectory: stage.configuration.workingDirectory,
      ...plainRun,
      network,
      runsAlways: false,
      directories: stage.takePendingDirectories(),
      ...(Object.keys(proxies).length === 0 ? {} : { proxies }),
    },
    environment,
  );
}

function readNetwork(stage: StageBuilder, flag: Flag | undefined): NetworkAccess {
  const value = flagValue(stage, flag);
  if (flag === undefined || value === null || value === "default") return "default";
  if (value === "none") return "none";
  stage.findings.error("NotSupportedYet", `--network=${value} cannot act yet`, flag.range, {
    hint: "write --network=none, or --network=default for the internet",
  });
  return "none";
}

function refuseInsecure(stage: StageBuilder, flag: Flag | undefined): void {
  const value = flagValue(stage, flag);
  if (flag === undefined || value === null || value === "sandbox") return;
  stage.findings.error("NotSupportedYet", `--security=${value} cannot act yet`, flag.range, {
    hint: "a step has a virtual machine to itself and is root in it; the flag can go",
  });
}

function runCommand(stage: StageBuilder, instruction: RunInstruction): RunCommand | null {
  const { command, heredocs } = instruction;
  if (command.form === "exec") {
    if (command.argv.length > 0 && command.argv[0]?.text !== "") {
      return { kind: "argv", argv: command.argv.map((word) => word.text) };
    }
    stage.findings.error("EmptyCommand", "RUN has no program to start", instruction.range, {
      hint: 'write the program first, e.g. RUN ["/bin/true"]',
    });
    return null;
  }
  const { shell } = stage.configuration;
  const line = command.line.text;
  if (line.trim() === "") {
    stage.findings.error("EmptyCommand", "RUN has no command", instruction.range, {
      hint: "write the command on this line, or a heredoc below it: RUN <<EOF",
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
  return { kind: "argv", argv: [...shell, posixShells.has(program) ? `set -e\n${body}` : body] };
}

function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
