import { type ReadKeyRecord, type ReadMount, readKeyRecord } from "./read-record.ts";
import type { RecordedFile, RecordedStep } from "./recorded-step.ts";

/** One reason why a step has another key than last time. */
export type ChangeReason =
  | { readonly kind: "new-step" }
  | { readonly kind: "instruction-changed"; readonly before: string; readonly after: string }
  /** Null: not set. */
  | {
      readonly kind: "variable-changed";
      readonly name: string;
      readonly before: string | null;
      readonly after: string | null;
    }
  | { readonly kind: "file-added"; readonly path: string }
  | { readonly kind: "file-removed"; readonly path: string }
  | { readonly kind: "file-changed"; readonly path: string }
  | { readonly kind: "working-directory-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "user-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "shell-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "network-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "mount-added"; readonly target: string }
  | { readonly kind: "mount-removed"; readonly target: string }
  /** What it is, or how it is mounted. */
  | { readonly kind: "mount-changed"; readonly target: string }
  /** The stage or image that it shows; files of the context are reasons of their own. */
  | { readonly kind: "mounted-content-changed"; readonly target: string }
  /** The step is never found in the cache. */
  | { readonly kind: "runs-always" }
  /** What an address sends. */
  | { readonly kind: "download-changed"; readonly url: string }
  | {
      readonly kind: "commit-changed";
      readonly repository: string;
      readonly before: string;
      readonly after: string;
    }
  /** A WORKDIR before the step now makes other directories. */
  | { readonly kind: "directories-changed" }
  /** The content of the stage that it copies from. */
  | { readonly kind: "source-stage-changed"; readonly stage: string }
  | { readonly kind: "source-image-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "base-image-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "disk-size-changed"; readonly beforeMib: number; readonly afterMib: number }
  /** The step below has another key; its title, or null where the step now stands on an image. */
  | { readonly kind: "parent-changed"; readonly step: string | null };

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
    ...commitChanges(before.commits, after.commits),
    ...fileChanges(...withoutMoved(before, after)),
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

function fileChanges(
  before: readonly RecordedFile[],
  after: readonly RecordedFile[],
): readonly ChangeReason[] {
  const old = new Map(before.map(({ path, digest }) => [path, digest]));
  const now = new Map(after.map(({ path, digest }) => [path, digest]));
  const changes: ChangeReason[] = [];
  for (const [path, digest] of now) {
    const was = old.get(path);
    if (was === undefined) changes.push({ kind: "file-added", path });
    else if (was !== digest)
      changes.push(isUrl(path) ? { kind: "download-changed", url: path } : { kind: "file-changed", path });
  }
  for (const path of old.keys()) {
    if (!now.has(path)) changes.push({ kind: "file-removed", path });
  }
  return changes;
}

function isUrl(path: string): boolean {
  return /^https?:\/\//.test(path);
}

function commitChanges(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly ChangeReason[] {
  return Object.entries(after).flatMap(([repository, commit]): readonly ChangeReason[] => {
    const was = before[repository];
    if (was === undefined || was === commit) return [];
    return [{ kind: "commit-changed", repository, before: was, after: commit }];
  });
}

/** The files but for those of repositories at another commit: that they differ goes without saying. */
function withoutMoved(
  before: RecordedStep,
  after: RecordedStep,
): [readonly RecordedFile[], readonly RecordedFile[]] {
  const moved = commitChanges(before.commits, after.commits).flatMap((change) =>
    change.kind === "commit-changed" ? [change.repository] : [],
  );
  const isMoved = (path: string) => moved.some((name) => path === name || path.startsWith(`${name}/`));
  const rest = (files: readonly RecordedFile[]) => files.filter(({ path }) => !isMoved(path));
  return moved.length === 0 ? [before.files, after.files] : [rest(before.files), rest(after.files)];
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

function mountChanges(
  { operation: old }: ReadKeyRecord,
  { operation: now }: ReadKeyRecord,
): readonly ChangeReason[] {
  if (old.kind !== "run" || now.kind !== "run") return [];
  const before = mountsByTarget(old.mounts);
  const after = mountsByTarget(now.mounts);
  const changes: ChangeReason[] = [];
  for (const [target, mount] of after) {
    const was = before.get(target);
    if (was === undefined) changes.push({ kind: "mount-added", target });
    else if (JSON.stringify(withoutContent(was)) !== JSON.stringify(withoutContent(mount))) {
      changes.push({ kind: "mount-changed", target });
    } else if (stageOf(was) !== stageOf(mount)) changes.push({ kind: "mounted-content-changed", target });
  }
  for (const target of before.keys()) {
    if (!after.has(target)) changes.push({ kind: "mount-removed", target });
  }
  return changes;
}

function mountsByTarget(mounts: readonly ReadMount[]): ReadonlyMap<string, ReadMount> {
  // A secret that is only a variable has no target.
  return new Map(mounts.map((mount) => [mount.target ?? `$${String(mount.environmentVariable)}`, mount]));
}

function withoutContent({ content, seed, ...rest }: ReadMount): unknown {
  return {
    ...rest,
    path: content !== undefined && "path" in content ? content.path : null,
    hasSeed: seed !== undefined,
  };
}

/** The layer or image that a mount shows; null for files of the context. */
function stageOf({ content, seed }: ReadMount): string | null {
  const shown = content ?? seed;
  if (shown === undefined || "selection" in shown) return null;
  return "layer" in shown ? shown.layer : shown.image;
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
