import type { Rule } from "../rule.ts";
import { hasOption, isInstall, isUpdate } from "../shell/packages.ts";
import { shellRuns } from "../shell/run-commands.ts";

export const aptUpdateInOtherStep: Rule = {
  name: "AptUpdateInOtherStep",
  summary: "`apt-get install` without `apt-get update` in the same step, or the other way round",
  *check(file) {
    for (const { run, commands } of shellRuns(file)) {
      const hasLists = run.flags.some(({ value }) => value?.text.includes("/var/lib/apt") ?? false);
      if (hasLists) continue;
      const update = commands.find(
        (command) =>
          isUpdate(command, "apt-get", "apt") ||
          (isInstall(command, "apt-get", "apt") && hasOption(command, "--update", "-U")),
      );
      const install = commands.find(
        (command) => isInstall(command, "apt-get", "apt") && !command.arguments.some(isLocalPackage),
      );
      if (install !== undefined && update === undefined) {
        yield {
          range: install.range,
          message: "the lists of packages are those of an earlier step, and as old as that one",
          hint: "write apt-get update && apt-get install … in one RUN",
        };
      } else if (update !== undefined && install === undefined && commands.length === 1) {
        yield {
          range: update.range,
          message: "as a step of its own this runs once, and later steps go on with old lists",
          hint: "write apt-get update && apt-get install … in one RUN",
        };
      }
    }
  },
};

function isLocalPackage({ text }: { readonly text: string }): boolean {
  return text.endsWith(".deb");
}
