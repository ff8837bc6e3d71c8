import type { Rule } from "../rule.ts";
import { type LocatedCommand, shellRuns } from "../shell/run-commands.ts";

export const pipeWithoutPipefail: Rule = {
  name: "PipeWithoutPipefail",
  summary: "a step goes on when a command at the head of a pipe fails",
  *check(file) {
    for (const { commands, shell } of shellRuns(file)) {
      if (shell.some((word) => word.includes("pipefail"))) continue;
      if (commands.some((command) => command.words.some(({ text }) => text.includes("pipefail")))) continue;
      const at = commands.findIndex(
        ({ operator }, index) => operator === "|" && mayFail(commands[index - 1]),
      );
      const writer = commands[at - 1];
      if (writer === undefined) continue;
      yield {
        range: writer.range,
        message: `the step goes on when ${writer.program} fails: only the last command of a pipe counts`,
        hint: 'write SHELL ["/bin/bash", "-o", "pipefail", "-c"] before it, or set -o pipefail where the shell knows it',
      };
    }
  },
};

/** Programs that only say what they are told. */
const harmless = new Set(["echo", "printf", "yes", "true", ":"]);

function mayFail(command: LocatedCommand | undefined): boolean {
  return command !== undefined && !harmless.has(command.program);
}
