import { type Command, CommanderError } from "commander";
import { Failure } from "../diagnostics/failure.ts";
import { findHome } from "../host/home.ts";
import { version } from "../host/version.ts";
import { describeMachineEvent } from "../machine/machine-events.ts";
import { cancelOnSignals } from "./cancellation.ts";
import { exitCodeOf, exitCodes } from "./exit-code.ts";
import type { LightfileOptions } from "./options.ts";
import { commandAskedFor, createProgram } from "./program.ts";
import { recordEnvironment } from "./recorded-environment.ts";
import type { Session } from "./session.ts";

/** Runs this process's command line and returns its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const { environment, read } = recordEnvironment(process.env);
  const session: Session = {
    home: findHome(environment),
    environment,
    environmentRead: read,
    workingDirectory: process.cwd(),
    // Made when it is first used: most commands never read it.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    signal: cancelOnSignals(),
    version,
    onMachineEvent: (event) => void process.stderr.write(`machine: ${describeMachineEvent(event)}\n`),
    exitCode: exitCodes.success,
  };
  endQuietlyWhenNobodyReads(session);
  return await runCommandLine(argv, session);
}

/** Returns the command's exit code. Everything that goes wrong is explained on stderr. */
export async function runCommandLine(argv: readonly string[], session: Session): Promise<number> {
  const program = createProgram(session, commandAskedFor(argv));
  try {
    await program.parseAsync([...argv]);
    return session.exitCode;
  } catch (error) {
    if (isHelp(error)) return helpFor(program, session);
    return explain(error, session);
  }
}

function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.code === "commander.helpDisplayed";
}

/** The help of a command has been printed: `bake --help` with a Lightfile goes on with its ARGs. */
async function helpFor(program: Command, session: Session): Promise<number> {
  const [name] = program.args;
  const command = program.commands.find((one) => one.name() === name);
  const options = command?.opts<LightfileOptions>();
  const path = command?.args.find((word) => !word.startsWith("-"));
  if (name !== "bake" || options === undefined || (options.file === undefined && path === undefined)) {
    return exitCodes.success;
  }
  try {
    const { printArguments } = await import("./actions/describe-arguments.ts");
    await printArguments(path ?? ".", options, session);
    return exitCodes.success;
  } catch (error) {
    return explain(error, session);
  }
}

/** `lightbox … | head` closes our stdout: that is no error of ours. */
function endQuietlyWhenNobodyReads(session: Session): void {
  session.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(session.exitCode);
    throw error;
  });
}

async function explain(error: unknown, session: Session): Promise<number> {
  if (error instanceof CommanderError) {
    // Help and version are thrown, too; commander has printed what there is to say.
    return error.exitCode === 0 ? exitCodes.success : exitCodes.usage;
  }
  const { printFailure } = await import("../render/failure-printer.ts");
  const failure = asFailure(error, session.signal);
  printFailure(failure, session.stderr);
  return exitCodeOf(failure.category);
}

function asFailure(error: unknown, signal: AbortSignal): Failure {
  if (error instanceof Failure) return error;
  if (signal.aborted && signal.reason instanceof Failure) return signal.reason;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Failure({
    code: "InternalError",
    category: "internal",
    message: error instanceof Error ? error.message : String(error),
    hint: `this is a bug in lightbox ${version}; please report it with these lines:\n${stack}`,
    cause: error,
  });
}
