import { Command, type ParseOptionsResult } from "commander";

/**
 * A lightbox command whose second operand begins a command for a sandbox: `run NAME COMMAND…`. Options stand before
 * the name or behind it; from the first word that is none, or from `--`, all is the sandbox's command.
 */
export class CommandWithWords extends Command {
  constructor(name: string) {
    super(name);
    this.passThroughOptions();
  }

  override parseOptions(argv: string[]): ParseOptionsResult {
    // Stops behind the name, whatever follows.
    const { operands, unknown } = super.parseOptions(argv);
    const [name, ...rest] = operands;
    if (name === undefined || unknown.length > 0 || endsOptions(argv, rest)) return { operands, unknown };
    const behind = super.parseOptions(rest);
    const [word] = behind.unknown;
    if (word === undefined || word === "--help" || word === "-h") {
      return { operands: [name, ...behind.operands], unknown: behind.unknown };
    }
    return this.error(
      `error: unknown option '${word}'\n` +
        `(a command that begins with a dash stands behind two: lightbox ${this.name()} ${name} -- ${word} …)`,
    );
  }
}

/** `lightbox run -- NAME COMMAND…`: there are no options behind the `--`. */
function endsOptions(argv: readonly string[], rest: readonly string[]): boolean {
  return argv[argv.length - rest.length - 2] === "--";
}
