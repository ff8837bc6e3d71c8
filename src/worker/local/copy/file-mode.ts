import type { CopyMode } from "../../../model/step-operation.ts";
import { StepRefused } from "../guest/step-refused.ts";

const readBits = 0o444;
const writeBits = 0o222;
const executeBits = 0o111;

const classMasks: Readonly<Record<string, number>> = {
  u: 0o4700,
  g: 0o2070,
  o: 0o1007,
  a: 0o7777,
};

const clausePattern = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/;

/**
 * The mode that `--chmod` gives a file or directory; symbolic expressions as chmod(1) reads them, with no umask.
 * @throws StepRefused `InvalidMode`
 */
export function appliedMode(mode: CopyMode | null, current: number, isDirectory: boolean): number {
  if (mode === null) return current;
  if (mode.kind === "octal") return mode.bits;
  return mode.expression
    .split(",")
    .reduce(
      (bits, clause) => applyClause(clause, bits, { isDirectory, expression: mode.expression }),
      current,
    );
}

interface ClauseContext {
  readonly isDirectory: boolean;
  readonly expression: string;
}

function applyClause(clause: string, bits: number, context: ClauseContext): number {
  const match = clausePattern.exec(clause);
  const [, classes, actions] = match ?? [];
  if (classes === undefined || actions === undefined) {
    throw new StepRefused(
      "InvalidMode",
      `${JSON.stringify(context.expression)} is no file mode`,
      "give octal digits such as 0644, or clauses such as u=rwX,go=rX",
    );
  }
  const mask = [...(classes || "a")].reduce((sum, name) => sum | (classMasks[name] ?? 0), 0);
  let result = bits;
  for (const [action] of actions.matchAll(/[-+=][rwxXstugo]*/g)) {
    const wanted = permissionBits(action.slice(1), result, context.isDirectory) & mask;
    if (action.startsWith("+")) result |= wanted;
    else if (action.startsWith("-")) result &= ~wanted;
    else result = (result & ~(mask & 0o777)) | wanted;
  }
  return result;
}

function permissionBits(letters: string, current: number, isDirectory: boolean): number {
  let bits = 0;
  for (const letter of letters) {
    if (letter === "r") bits |= readBits;
    else if (letter === "w") bits |= writeBits;
    else if (letter === "x") bits |= executeBits;
    else if (letter === "X" && (isDirectory || (current & executeBits) !== 0)) bits |= executeBits;
    else if (letter === "s") bits |= 0o6000;
    else if (letter === "t") bits |= 0o1000;
    else if (letter === "u") bits |= spread((current >> 6) & 7);
    else if (letter === "g") bits |= spread((current >> 3) & 7);
    else if (letter === "o") bits |= spread(current & 7);
  }
  return bits;
}

/** One class's three bits for all classes. */
function spread(bits: number): number {
  return (bits << 6) | (bits << 3) | bits;
}
