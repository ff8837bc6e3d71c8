import * as v from "valibot";
import { type GuestFile, GuestFileError, type GuestFileKind } from "./guest-file.ts";

/** What the guest's agent answers to requests about files. */

export type GuestFileHandle = number | bigint;

const entrySchema = v.object({
  path: v.string(),
  kind: v.string(),
  size: v.number(),
  mode: v.number(),
  uid: v.number(),
  gid: v.number(),
  mtime: v.nullish(v.number()),
});
const responseSchema = v.object({
  ok: v.boolean(),
  error: v.nullish(v.string()),
  data: v.nullish(v.unknown()),
});
const statData = v.object({ Stat: entrySchema });
const listData = v.object({ List: v.array(entrySchema) });
const pathData = v.object({ Path: v.string() });
const handleData = v.object({ Handle: v.union([v.number(), v.bigint()]) });
const chunkSchema = v.object({ data: v.instance(Uint8Array) });

export function statAnswer(data: unknown): GuestFile {
  return guestFile(v.parse(statData, data).Stat);
}

export function listAnswer(data: unknown): readonly GuestFile[] {
  return v.parse(listData, data).List.map(guestFile);
}

export function pathAnswer(data: unknown): string {
  return v.parse(pathData, data).Path;
}

export function handleAnswer(data: unknown): GuestFileHandle {
  return v.parse(handleData, data).Handle;
}

/** A part of a file's content. */
export function chunkAnswer(payload: unknown): Uint8Array {
  return v.parse(chunkSchema, payload).data;
}

function guestFile(entry: v.InferOutput<typeof entrySchema>): GuestFile {
  return {
    path: entry.path,
    kind: guestFileKind(entry.kind),
    sizeBytes: entry.size,
    mode: entry.mode & 0o7777,
    userId: entry.uid,
    groupId: entry.gid,
    modifiedSeconds: entry.mtime ?? 0,
  };
}

function guestFileKind(kind: string): GuestFileKind {
  if (kind === "file" || kind === "symlink") return kind;
  return kind === "dir" ? "directory" : "other";
}

/** Linux error numbers that callers tell apart; others keep their number. */
const errnoNames: Readonly<Record<string, string>> = {
  1: "EPERM",
  2: "ENOENT",
  13: "EACCES",
  16: "EBUSY",
  17: "EEXIST",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  27: "EFBIG",
  28: "ENOSPC",
  30: "EROFS",
  36: "ENAMETOOLONG",
  39: "ENOTEMPTY",
  40: "ELOOP",
};

/** @param number in decimal digits */
export function errnoName(number: string): string {
  return errnoNames[number] ?? `E${number}`;
}

/** The data of an answer. @throws GuestFileError when the guest's kernel refused */
export function checkResponse(path: string, payload: unknown): unknown {
  const response = v.parse(responseSchema, payload);
  if (response.ok) return response.data;
  const text = response.error ?? "the guest's agent gave no reason";
  const number = /\(os error (\d+)\)/.exec(text)?.[1];
  const errno = number === undefined ? "EUNKNOWN" : errnoName(number);
  throw new GuestFileError(path, errno, text.replace(/ \(os error \d+\)/, ""));
}
