import { proposedFix, safeFix } from "../edits.ts";
import { stagesInResults } from "../needed-stages.ts";
import type { Remark, Rule } from "../rule.ts";
import { hasOption, isInstall } from "../shell/packages.ts";
import { type LocatedCommand, shellRuns } from "../shell/run-commands.ts";

export const packageListsKept: Rule = {
  name: "PackageListsKept",
  summary: "a package manager's lists or downloads stay in the layer",
  *check(file) {
    const inResults = stagesInResults(file);
    for (const { run, commands, block } of shellRuns(file)) {
      // What other stages only copy from is in no result.
      if (block.kind === "stage" && !inResults.has(block)) continue;
      const isMounted = run.flags.some(
        ({ value }) => value !== null && /\/var\/(?:lib|cache)\/(?:apt|apk|dnf|yum)/.test(value.text),
      );
      if (isMounted) continue;
      const remark = keptBy(commands);
      if (remark !== null) yield remark;
    }
  },
};

function keptBy(commands: readonly LocatedCommand[]): Remark | null {
  const apt = commands.findLast((command) => isInstall(command, "apt-get", "apt"));
  if (apt !== undefined && !commands.some(removesAptLists)) {
    const clean = " && rm -rf /var/lib/apt/lists/*";
    const { end } = apt.range;
    return {
      range: apt.range,
      message: "the lists of packages stay in the layer, where nothing needs them",
      hint: "end the step with rm -rf /var/lib/apt/lists/*, or mount a cache: --mount=type=cache,target=/var/lib/apt",
      fixes:
        commands.at(-1) === apt
          ? [proposedFix("Remove the lists in the end", { start: end, end }, clean)]
          : [],
    };
  }
  const apk = commands.find(
    (command) => isInstall(command, "apk") && !hasOption(command, "--no-cache", "--no-network"),
  );
  if (apk !== undefined && !commands.some((one) => removes(one, "/var/cache/apk"))) {
    const verb = apk.arguments.find(({ text }) => !text.startsWith("-"));
    const at = verb?.range.end ?? apk.range.end;
    return {
      range: apk.range,
      message: "the index of packages stays in the layer, where nothing needs it",
      hint: "write apk add --no-cache",
      fixes: [safeFix("Add --no-cache", { start: at, end: at }, " --no-cache")],
    };
  }
  const dnf = commands.find((command) => isInstall(command, "dnf", "yum", "microdnf"));
  if (dnf === undefined) return null;
  const isCleaned = commands.some((one) => one.program === dnf.program && one.arguments[0]?.text === "clean");
  if (isCleaned || commands.some((one) => removes(one, `/var/cache/${dnf.program}`))) return null;
  return {
    range: dnf.range,
    message: "downloads and lists of packages stay in the layer, where nothing needs them",
    hint: `end the step with ${dnf.program} clean all`,
  };
}

function removesAptLists(command: LocatedCommand): boolean {
  return (
    removes(command, "/var/lib/apt") ||
    (command.program === "apt-get" && command.arguments[0]?.text === "dist-clean")
  );
}

function removes(command: LocatedCommand, path: string): boolean {
  return (
    (command.program === "rm" || command.program === "find") &&
    command.arguments.some(({ text }) => text.startsWith(path) || holds(text, path))
  );
}

/** Whether a folder, or all that is in it, has the path in it: `/var/cache/*`. */
function holds(folder: string, path: string): boolean {
  const bare = folder.replace(/\/?\*?$/, "");
  return bare !== "" && path.startsWith(`${bare}/`);
}
