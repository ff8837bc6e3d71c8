import { bottomImage } from "../earlier-stages.ts";
import type { Block, LintedFile } from "../linted-file.ts";
import type { Rule } from "../rule.ts";
import { hasOption } from "../shell/packages.ts";
import { type LocatedCommand, shellRuns } from "../shell/run-commands.ts";

export const pipeWithoutPipefail: Rule = {
  name: "PipeWithoutPipefail",
  summary: "a step goes on when a command at the head of a pipe fails",
  *check(file) {
    for (const { commands, shell, block } of shellRuns(file)) {
      if (shell.some((word) => word.includes("pipefail"))) continue;
      if (commands.some((command) => command.words.some(({ text }) => text.includes("pipefail")))) continue;
      const at = commands.findIndex((_, index) => hidesFailure(commands, index));
      const writer = commands[at - 1];
      if (writer === undefined) continue;
      yield {
        range: writer.range,
        message: `the step goes on when ${writer.program} fails: only the last command of a pipe counts`,
        hint: hintFor(file, block),
      };
    }
  },
};

/** Whether the command reads from one whose failure nobody sees, and that matters. */
function hidesFailure(commands: readonly LocatedCommand[], index: number): boolean {
  const reader = commands[index];
  const writer = commands[index - 1];
  if (reader?.operator !== "|" || writer === undefined) return false;
  if (isLocal(writer) || judgesInput(reader)) return false;
  if (writer.program === "cat" && reader.program === "grep") return false;
  return !reader.isAsked && !isForgiven(commands, index);
}

/**
 * Programs that say what they are told, or list and sort what is there: those that look for something fail when there is
 * nothing, and with pipefail that would end a step that is right.
 */
const local = new Set(
  [
    ": true yes echo printf",
    "awk cut date egrep env fgrep file find gawk getent grep head id ldd locale ls seq sed sort tac tail tr uname uniq which",
    "apk apt-mark dpkg dpkg-query rpm",
  ].flatMap((line) => line.split(" ")),
);

function isLocal({ program, arguments: rest }: LocatedCommand): boolean {
  return local.has(program) || (program === "xargs" && rest.some(({ text }) => local.has(text)));
}

/** Fails by itself where its input is missing or broken. */
function judgesInput(reader: LocatedCommand): boolean {
  if (reader.program === "gpg" || reader.program === "apt-key") return true;
  return /^(?:sha\d+|md5|b2)sum$/.test(reader.program) && hasOption(reader, "-c", "--check");
}

/** `a | b || true`: whether it fails is said not to matter. */
function isForgiven(commands: readonly LocatedCommand[], index: number): boolean {
  const next = commands.slice(index + 1).find(({ operator }) => operator !== "|");
  return next?.operator === "||" && (next.program === "true" || next.program === ":");
}

/** Alpine has no bash, and its sh knows pipefail; that of Debian does not. */
function hintFor(file: LintedFile, block: Block): string {
  if (/(?:^|[/:.-])(?:alpine|busybox)/.test(bottomImage(file, block))) {
    return 'begin it with set -o pipefail, which the sh of this image knows, or write SHELL ["/bin/sh", "-o", "pipefail", "-c"] before it';
  }
  return 'write SHELL ["/bin/bash", "-o", "pipefail", "-c"] before it, or set -o pipefail where the shell knows it';
}
