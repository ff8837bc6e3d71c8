import { Command } from "commander";
import { requireHomeFolder } from "../host/home.ts";
import { bakeCommand } from "./commands/bake.ts";
import { checkCommand } from "./commands/check.ts";
import { completeCommand, completionCommand } from "./commands/completion.ts";
import { debugCommand } from "./commands/debug.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { execCommand, shellCommand } from "./commands/exec.ts";
import { fmtCommand } from "./commands/fmt.ts";
import { graphCommand } from "./commands/graph.ts";
import { importCommand } from "./commands/import.ts";
import { lockCommand } from "./commands/lock.ts";
import { logsCommand } from "./commands/logs.ts";
import { lspCommand } from "./commands/lsp.ts";
import { machineCommand } from "./commands/machine.ts";
import { parseCommand } from "./commands/parse.ts";
import { probeChild } from "./commands/probe-child.ts";
import { pruneCommand } from "./commands/prune.ts";
import { runCommand } from "./commands/run.ts";
import { psCommand, rmCommand, stopCommand } from "./commands/sandboxes.ts";
import { serveCommand } from "./commands/serve.ts";
import { snapshotsCommand } from "./commands/snapshots.ts";
import { volumesCommand } from "./commands/volumes.ts";
import type { Session } from "./session.ts";

/** By name. Their files hold options and wording only; what they do is loaded when they run. */
const commands: Readonly<Record<string, (session: Session) => Command>> = {
  bake: bakeCommand,
  check: checkCommand,
  fmt: fmtCommand,
  graph: graphCommand,
  lock: lockCommand,
  import: importCommand,
  parse: parseCommand,
  run: runCommand,
  exec: execCommand,
  shell: shellCommand,
  ps: psCommand,
  stop: stopCommand,
  rm: rmCommand,
  snapshots: snapshotsCommand,
  volumes: volumesCommand,
  logs: logsCommand,
  debug: debugCommand,
  prune: pruneCommand,
  machine: machineCommand,
  doctor: doctorCommand,
  lsp: lspCommand,
  completion: completionCommand,
  serve: serveCommand,
};

/** The command that a command line begins with, where it is that plain. */
export function commandAskedFor(argv: readonly string[]): string | undefined {
  const word = argv[2];
  return word !== undefined && Object.hasOwn(commands, word) ? word : undefined;
}

/** @param asked the only command that is needed: to make all of them takes longer than all else that is done here */
export function createProgram(session: Session, asked?: string): Command {
  const program = new Command("lightbox")
    .description("Bake Lightfiles into ready-to-boot microVM snapshots.")
    .version(session.version, "-V, --version")
    .showHelpAfterError("(add --help for the options)")
    .showSuggestionAfterError()
    .option(...hostOption)
    .configureOutput({
      writeOut: (text) => session.stdout.write(text),
      writeErr: (text) => session.stderr.write(text),
    })
    .enablePositionalOptions()
    .hook("preAction", () => requireHomeFolder(session.home))
    .exitOverride();
  const creators = Object.entries(commands).filter(([name]) => asked === undefined || name === asked);
  for (const [, create] of creators) {
    const command = create(session);
    inheritSettings(command, program);
    program.addCommand(command);
  }
  program.addCommand(probeChild(session), { hidden: true });
  program.addCommand(completeCommand(session), { hidden: true });
  return program;
}

const hostOption = ["--host <url>", "use the worker at this address (LIGHTBOX_HOST)"] as const;
/** These are about this host, whatever worker the others use. */
const hostCommands = ["machine", "doctor", "serve", "lsp", "completion", "parse", "import", "check", "fmt"];

function inheritSettings(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheritSettings(child, command);
  const isAboutThisHost = hostCommands.includes(command.name()) || hostCommands.includes(parent.name());
  if (!isAboutThisHost && command.commands.length === 0) command.option(...hostOption);
}
