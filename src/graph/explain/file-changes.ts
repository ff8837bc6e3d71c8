import type { ChangeReason } from "./change-reason.ts";
import type { RecordedFile, RecordedStep } from "./recorded-step.ts";

/** The repositories that moved, and the other files that differ. */
export function fileChanges(before: RecordedStep, after: RecordedStep): readonly ChangeReason[] {
  return [...commitChanges(before.commits, after.commits), ...changesOfFiles(...withoutMoved(before, after))];
}

function changesOfFiles(
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
