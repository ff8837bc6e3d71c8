import type { Range } from "../../diagnostics/source-file.ts";
import type { Instruction } from "../../lightfile/ast.ts";
import { actingInstruction } from "../linted-file.ts";
import type { Remark, Rule } from "../rule.ts";

export const tildeNotExpanded: Rule = {
  name: "TildeNotExpanded",
  summary: "a path begins with `~`, which stands for itself where no shell reads it",
  *check(file) {
    for (const { instructions } of file.blocks) {
      // The USER of the base image is not known here.
      let user = "root";
      for (const instruction of instructions) {
        if (instruction.kind === "user") user = instruction.user.text;
        yield* remarksOn(actingInstruction(instruction), user);
      }
    }
  },
};

interface HomePath {
  /** What stands there, from the `~` on. */
  readonly path: string;
  readonly range: Range;
}

function* remarksOn(instruction: Instruction, user: string): Generator<Remark> {
  for (const { path, range } of homePaths(instruction)) {
    yield {
      range,
      message: "no shell reads this path: ~ is a folder of that name there, and not the home",
      hint: `write the whole path, e.g. ${homeOf(user)}${path.slice(1)}`,
    };
  }
}

function homePaths(instruction: Instruction): readonly HomePath[] {
  const ofMounts = instruction.flags.flatMap(({ name, value }) =>
    name.text === "mount" && value !== null ? pathsIn(value.text, value.range, mountTarget) : [],
  );
  switch (instruction.kind) {
    case "workdir":
      return pathsIn(instruction.path.text, instruction.path.range, wholeWord);
    case "copy":
    case "add":
      return pathsIn(instruction.destination.text, instruction.destination.range, wholeWord);
    case "env":
      return instruction.pairs.flatMap(({ name, value }) =>
        name.text.endsWith("PATH") ? pathsIn(value.text, value.range, partOfList).slice(0, 1) : [],
      );
    default:
      return ofMounts;
  }
}

const wholeWord = /^["']?(~(?:\/.*?)?)["']?$/g;
const partOfList = /(?:^["']?|:)(~(?:\/[^:"']*)?)(?=[:"']|$)/g;
const mountTarget = /(?:^|,)\s*"?(?:target|dst|destination)=(~(?:\/[^,"]*)?)(?=[,"]|$)/g;

function pathsIn(text: string, range: Range, pattern: RegExp): readonly HomePath[] {
  return [...text.matchAll(pattern)].map(([, path = "~"]) => ({ path, range }));
}

/** Where a USER is at home in most images. */
function homeOf(user: string): string {
  const name = user.replaceAll(/["']/g, "").replace(/:.*$/, "");
  if (name === "root" || name === "0") return "/root";
  return /^[A-Za-z_][\w.-]*$/.test(name) ? `/home/${name}` : "/home/user";
}
