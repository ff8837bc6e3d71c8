import type { Flag } from "../../lightfile/ast.ts";
import type { CopyMode, CopyOwner } from "../../model/step-operation.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { flagValue } from "./flags.ts";

const ownerPart = /^[^\s:]+$/;
const highestId = 0xffff_fffe;

/** `--chown=user[:group]`; null when absent or wrong. Without a user, `:group`, it is root, as in BuildKit. */
export function readOwner(stage: StageBuilder, flag: Flag | undefined): CopyOwner | null {
  const value = flagValue(stage, flag);
  if (flag === undefined || value === null) return null;
  const [written = "", group = null, ...rest] = value.split(":");
  const user = written === "" && group !== null ? "0" : written;
  const parts = group === null ? [user] : [user, group];
  if (rest.length === 0 && parts.every((part) => ownerPart.test(part) && isId(part))) return { user, group };
  stage.findings.error("InvalidOwner", `--chown=${value} names no owner`, flag.range, {
    hint: "write --chown=user or --chown=user:group, with names or numbers",
  });
  return null;
}

function isId(part: string): boolean {
  return !/^\d+$/.test(part) || Number(part) <= highestId;
}

const octalMode = /^[0-7]{1,5}$/;
const highestMode = 0o7777;
const symbolicClause = /^[ugoa]*([-+=]([rwxXst]*|[ugo]))+$/;

/** `--chmod=`, octal up to 7777 or symbolic as chmod takes it; null when absent or wrong. */
export function readMode(stage: StageBuilder, flag: Flag | undefined): CopyMode | null {
  const value = flagValue(stage, flag);
  if (flag === undefined || value === null) return null;
  if (octalMode.test(value) && Number.parseInt(value, 8) <= highestMode) {
    return { kind: "octal", bits: Number.parseInt(value, 8) };
  }
  if (value.split(",").every((clause) => symbolicClause.test(clause))) {
    return { kind: "symbolic", expression: value };
  }
  stage.findings.error("InvalidMode", `--chmod=${value} is no mode`, flag.range, {
    hint: "write octal digits up to 7777, e.g. --chmod=755, or symbols, e.g. --chmod=u=rwX,go=rX",
  });
  return null;
}
