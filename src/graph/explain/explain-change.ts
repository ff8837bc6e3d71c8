import type { ChangeReason } from "./change-reason.ts";
import { fileChanges } from "./file-changes.ts";
import { mountChanges } from "./mount-changes.ts";
import { type ReadKeyRecord, readKeyRecord } from "./read-record.ts";
import type { RecordedStep } from "./recorded-step.ts";

/** Why `after` has another key than `before`; empty when the keys are equal. The step's own reasons come first. */
export function explainChange(
  before: RecordedStep | undefined,
  after: RecordedStep,
): readonly ChangeReason[] {
  if (before === undefined) return [{ kind: "new-step" }];
  if (before.key === after.key) return [];
  const old = readKeyRecord(before.record);
  const now = readKeyRecord(after.record);
  if (old === null || now === null || old.operation.kind !== now.operation.kind) {
    return [instructionChanged(before, after)];
  }
  const own = [
    ...variableChanges(before.variables, after.variables),
    ...fileChanges(before, after),
    ...settingChanges(old, now, before.title === after.title),
    ...mountChanges(old, now),
    ...sourceChanges(old, now, after),
  ];
  const instruction = isInstructionChanged(before, after, { old, now, own })
    ? [instructionChanged(before, after)]
    : [];
  return [...instruction, ...own, ...parentChanges(old, now, after)];
}

function instructionChanged(before: RecordedStep, after: RecordedStep): ChangeReason {
  return { kind: "instruction-changed", before: before.title, after: after.title };
}

interface Compared {
  readonly old: ReadKeyRecord;
  readonly now: ReadKeyRecord;
  /** The reasons found so far. */
  readonly own: readonly ChangeReason[];
}

/** Titles are cut and leave heredocs out, so equal titles do not mean equal instructions. */
function isInstructionChanged(
  before: RecordedStep,
  after: RecordedStep,
  { old, now, own }: Compared,
): boolean {
  if (before.title !== after.title) return true;
  if (old.operation.kind === "run" && now.operation.kind === "run") {
    const isShell = own.some((reason) => reason.kind === "shell-changed");
    const isCommand = JSON.stringify(old.operation.command) !== JSON.stringify(now.operation.command);
    return isCommand && !isShell;
  }
  // What an expanded word became is explained by its variable or directory.
  return own.length === 0 && JSON.stringify(old.parent) === JSON.stringify(now.parent);
}

function variableChanges(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly ChangeReason[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name): readonly ChangeReason[] => {
    const was = Object.hasOwn(before, name) ? before[name] : undefined;
    const is = Object.hasOwn(after, name) ? after[name] : undefined;
    return was === is ? [] : [{ kind: "variable-changed", name, before: was ?? null, after: is ?? null }];
  });
}

function settingChanges(
  { operation: old }: ReadKeyRecord,
  { operation: now }: ReadKeyRecord,
  sameTitle: boolean,
): readonly ChangeReason[] {
  const changes: ChangeReason[] = [];
  if (old.kind === "run" && now.kind === "run") {
    if (old.workingDirectory !== now.workingDirectory) {
      const [before, after] = [old.workingDirectory, now.workingDirectory];
      changes.push({ kind: "working-directory-changed", before, after });
    }
    if (old.user !== now.user) changes.push({ kind: "user-changed", before: old.user, after: now.user });
    const [wasNetwork, network] = [networkText(old.network), networkText(now.network)];
    if (wasNetwork !== network) changes.push({ kind: "network-changed", before: wasNetwork, after: network });
    if (now.freshness !== undefined) changes.push({ kind: "runs-always" });
    const [before, after] = [shellOf(old.command), shellOf(now.command)];
    const sameLine = sameTitle && lastOf(old.command) === lastOf(now.command);
    if (sameLine && before !== null && after !== null && before !== after) {
      changes.push({ kind: "shell-changed", before, after });
    }
  }
  if (JSON.stringify(old.directories) !== JSON.stringify(now.directories)) {
    changes.push({ kind: "directories-changed" });
  }
  return changes;
}

function networkText(network: string | { readonly allow: readonly string[] }): string {
  return typeof network === "string" ? network : network.allow.join(", ") || "no host";
}

type RecordedCommand = Extract<ReadKeyRecord["operation"], { kind: "run" }>["command"];

/** All but the last argument: the shell, where the command is one line for a shell. */
function shellOf(command: RecordedCommand): string | null {
  return "argv" in command && command.argv.length > 1 ? command.argv.slice(0, -1).join(" ") : null;
}

function lastOf(command: RecordedCommand): string | undefined {
  return "argv" in command ? command.argv.at(-1) : command.script;
}

function sourceChanges(
  { operation: old }: ReadKeyRecord,
  { operation: now }: ReadKeyRecord,
  after: RecordedStep,
): readonly ChangeReason[] {
  if (old.kind !== "copy" || now.kind !== "copy") return [];
  if ("layer" in now.source) {
    const was = "layer" in old.source ? old.source.layer : null;
    const stage = after.sourceStage ?? "of another name";
    return was === now.source.layer ? [] : [{ kind: "source-stage-changed", stage }];
  }
  if ("image" in now.source && "image" in old.source && now.source.image !== old.source.image) {
    return [{ kind: "source-image-changed", before: old.source.image, after: now.source.image }];
  }
  return [];
}

function parentChanges(old: ReadKeyRecord, now: ReadKeyRecord, after: RecordedStep): readonly ChangeReason[] {
  if ("layer" in now.parent) {
    const isSame = "layer" in old.parent && old.parent.layer === now.parent.layer;
    return isSame ? [] : [{ kind: "parent-changed", step: after.parentTitle }];
  }
  if ("layer" in old.parent) return [{ kind: "parent-changed", step: null }];
  const changes: ChangeReason[] = [];
  if (old.parent.image !== now.parent.image) {
    changes.push({ kind: "base-image-changed", before: old.parent.image, after: now.parent.image });
  }
  if (old.parent.diskSizeMib !== now.parent.diskSizeMib) {
    const [beforeMib, afterMib] = [old.parent.diskSizeMib, now.parent.diskSizeMib];
    changes.push({ kind: "disk-size-changed", beforeMib, afterMib });
  }
  return changes;
}
