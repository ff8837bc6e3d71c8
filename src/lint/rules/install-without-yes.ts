import { safeFix } from "../edits.ts";
import type { Rule } from "../rule.ts";
import { hasOption, isInstall } from "../shell/packages.ts";
import { type LocatedCommand, shellRuns } from "../shell/run-commands.ts";

export const installWithoutYes: Rule = {
  name: "InstallWithoutYes",
  summary: "a package manager asks for a confirmation that nobody can give",
  *check(file) {
    for (const { commands } of shellRuns(file)) {
      for (const [index, command] of commands.entries()) {
        if (!asks(command) || commands[index]?.operator === "|") continue;
        const verb = command.arguments.find(({ text }) => !text.startsWith("-"));
        const at = verb?.range.end ?? command.range.end;
        yield {
          range: command.range,
          message: `${command.program} asks before it installs, and nobody is there to answer`,
          hint: `write ${command.program} ${verb?.text ?? "install"} -y`,
          fixes: [safeFix("Add -y", { start: at, end: at }, " -y")],
        };
      }
    }
  },
};

function asks(command: LocatedCommand): boolean {
  if (isInstall(command, "apt-get", "apt")) {
    return (
      !hasOption(command, "-y", "--yes", "--assume-yes", "-qq") &&
      !hasOption(command, "-s", "--download-only")
    );
  }
  // microdnf never asks.
  if (isInstall(command, "dnf", "yum")) return !hasOption(command, "-y", "--assumeyes");
  return isInstall(command, "zypper") && !hasOption(command, "-y", "-n", "--non-interactive", "--no-confirm");
}
