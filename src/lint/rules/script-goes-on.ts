import type { Heredoc, LightfileTree } from "../../lightfile/ast.ts";
import { proposedFix } from "../edits.ts";
import type { Rule } from "../rule.ts";
import { isCommandInstruction } from "../shell/run-commands.ts";

export const scriptGoesOn: Rule = {
  name: "ScriptGoesOn",
  summary: "a heredoc names a shell of its own, which goes on after a line that failed",
  *check({ tree }) {
    for (const instruction of tree.instructions) {
      if (!isCommandInstruction(instruction) || instruction.command.form === "exec") continue;
      const [heredoc] = instruction.heredocs;
      if (heredoc === undefined || instruction.heredocs.length > 1) continue;
      const script = readScript(instruction.command.line.text, heredoc.body);
      if (script === null || !hasSeveralLines(script.body) || saysHowItEnds(script.body)) continue;
      const at = lineStart(tree, heredoc, script.isNamedInside ? 1 : 0);
      yield {
        range: instruction.command.line.range,
        message: `${script.shell} goes on after a line that fails, and only the last line's exit code counts`,
        hint: script.isNamedInside
          ? "write set -e behind the first line, or take that line out: a script of SHELL stops by itself"
          : `write set -e as the first line, or leave out ${script.shell}: a script of SHELL stops by itself`,
        fixes: [proposedFix("Stop at the first line that fails", { start: at, end: at }, "set -e\n")],
      };
    }
  },
};

interface Script {
  /** The shell's base name. */
  readonly shell: string;
  /** Behind the `#!` line. */
  readonly body: string;
  readonly isNamedInside: boolean;
}

const shellName = String.raw`(?:/\S*/)?((?:a|ba|da|k|mk|z)?sh)`;
const interpreterLine = new RegExp(String.raw`^#![ \t]*(?:\S*/env[ \t]+)?${shellName}[ \t]*$`);
const shellReadsIt = new RegExp(String.raw`^${shellName}(?:[ \t]+-[a-df-z]+)*[ \t]*<<-?[ \t]*\S+$`);

/** The script that a shell without `-e` reads; null where the language's own shell does, or who reads it is not plain. */
function readScript(line: string, body: string): Script | null {
  if (!/^<<-?[ \t]*\S+$/.test(line.trim())) {
    const shell = shellReadsIt.exec(line.trim())?.[1];
    return shell === undefined ? null : { shell, body, isNamedInside: false };
  }
  const [first = "", ...rest] = body.split("\n");
  const shell = interpreterLine.exec(first)?.[1];
  return shell === undefined ? null : { shell, body: rest.join("\n"), isNamedInside: true };
}

function hasSeveralLines(body: string): boolean {
  return body.split("\n").filter((line) => !/^\s*(?:#|$)/.test(line)).length > 1;
}

/** `set -e`, `set -eu`, `set -o errexit`, or `set +e` of who wants it so. */
function saysHowItEnds(body: string): boolean {
  return /^\s*set\s+(?:[-+][a-z]*e|.*errexit)/m.test(body);
}

/** Where a line of a heredoc's body begins in the file. */
function lineStart({ source }: LightfileTree, { bodyRange }: Heredoc, line: number): number {
  let at = bodyRange.start;
  for (let passed = 0; passed < line; passed++) at = source.text.indexOf("\n", at) + 1;
  return at;
}
