import { unreachable } from "../../diagnostics/unreachable.ts";
import type { ChangeReason } from "./change-reason.ts";

/** More files than this are counted, not named. */
const mostFiles = 5;
const longestValue = 60;

/** The reasons as sentences for people, e.g. `variable VERSION changed from 1 to 2`. */
export function describeChanges(reasons: readonly ChangeReason[]): readonly string[] {
  const sentences: string[] = [];
  let files = 0;
  for (const reason of reasons) {
    const isFile =
      reason.kind === "file-added" || reason.kind === "file-changed" || reason.kind === "file-removed";
    if (isFile) files += 1;
    if (!isFile || files <= mostFiles) sentences.push(describeChange(reason));
  }
  const more = files - mostFiles;
  if (more > 0) sentences.push(`${more} more ${more === 1 ? "file" : "files"} changed`);
  return sentences;
}

function describeChange(reason: ChangeReason): string {
  switch (reason.kind) {
    case "new-step":
      return "the step is new";
    case "instruction-changed":
      return reason.before === reason.after
        ? "the instruction changed"
        : `the instruction changed; it was ${short(reason.before)}`;
    case "variable-changed":
      return variableSentence(reason.name, reason.before, reason.after);
    case "file-added":
      return `file ${reason.path} was added`;
    case "file-removed":
      return `file ${reason.path} was removed`;
    case "file-changed":
      return `file ${reason.path} changed`;
    case "working-directory-changed":
      return `the working directory changed from ${reason.before} to ${reason.after}`;
    case "user-changed":
      return `the user changed from ${reason.before} to ${reason.after}`;
    case "shell-changed":
      return `the shell changed from ${short(reason.before)} to ${short(reason.after)}`;
    case "network-changed":
      return `the network changed from ${short(reason.before)} to ${short(reason.after)}`;
    case "mount-added":
      return `a mount at ${reason.target} was added`;
    case "mount-removed":
      return `the mount at ${reason.target} was removed`;
    case "mount-changed":
      return `the mount at ${reason.target} changed`;
    case "mounted-content-changed":
      return `what is mounted at ${reason.target} changed`;
    case "runs-always":
      return "--no-cache makes it run in every bake";
    case "download-changed":
      return `${short(reason.url)} sends another file`;
    case "commit-changed":
      return `${short(reason.repository)} moved from commit ${reason.before.slice(0, 12)} to ${reason.after.slice(0, 12)}`;
    case "directories-changed":
      return "a WORKDIR before it changed";
    case "source-stage-changed":
      return `stage ${reason.stage}, which it copies from, changed`;
    case "source-image-changed":
      return `the image that it copies from changed from ${reason.before} to ${reason.after}`;
    case "base-image-changed":
      return `the base image changed from ${reason.before} to ${reason.after}`;
    case "disk-size-changed":
      return `the disk's size changed from ${reason.beforeMib} MiB to ${reason.afterMib} MiB`;
    case "parent-changed":
      return reason.step === null
        ? "it now stands on the base image"
        : `the step before it changed: ${short(reason.step)}`;
    default:
      return unreachable(reason);
  }
}

function variableSentence(name: string, before: string | null, after: string | null): string {
  if (before === null) return `variable ${name} is set now, to ${short(after ?? "")}`;
  if (after === null) return `variable ${name} is no longer set`;
  return `variable ${name} changed from ${short(before)} to ${short(after)}`;
}

function short(text: string): string {
  if (text === "") return "nothing";
  return text.length <= longestValue ? text : `${text.slice(0, longestValue - 1)}…`;
}
