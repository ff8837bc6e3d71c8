import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { isSha256Digest, type Sha256Digest } from "../model/identifiers.ts";

const noteSchema = v.object({
  version: v.literal(1),
  url: v.string(),
  etag: v.nullable(v.string()),
  lastModified: v.nullable(v.string()),
  sha256: v.custom<Sha256Digest>((value) => typeof value === "string" && isSha256Digest(value)),
});

/** What an address gave last time. */
export type DownloadNote = v.InferOutput<typeof noteSchema>;

/** Where files of the web are kept, each in a folder by its SHA-256, with notes of what they came from in `urls`. */
export function downloadsDirectoryOf(homeDirectory: string): string {
  return join(homeDirectory, "downloads");
}

/** Null when there is none that can be read: the file is then sent once more. */
export async function readDownloadNote(path: string): Promise<DownloadNote | null> {
  try {
    const parsed = v.safeParse(noteSchema, JSON.parse(await readFile(path, "utf8")));
    return parsed.success ? parsed.output : null;
  } catch (error) {
    if (systemErrorCode(error) === undefined && !(error instanceof SyntaxError)) throw error;
    return null;
  }
}
