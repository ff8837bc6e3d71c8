import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { isSha256Digest, type Sha256Digest } from "../model/identifiers.ts";
import { parseJson } from "../model/parse-json.ts";
import { isMissing } from "../model/present-files.ts";

/** What a tag, a branch and a URL meant when the lock was written. */
export interface LockedImage {
  /** As the Lightfile names it, after expansion. */
  readonly reference: string;
  readonly platform: string;
  readonly digest: Sha256Digest;
}

export interface LockedCommit {
  readonly url: string;
  /** Null: HEAD. */
  readonly ref: string | null;
  readonly commit: string;
}

export interface LockedUrl {
  readonly url: string;
  /** Of the content. */
  readonly sha256: Sha256Digest;
}

export interface LockContent {
  readonly images: readonly LockedImage[];
  readonly git: readonly LockedCommit[];
  readonly urls: readonly LockedUrl[];
}

const lockVersion = 1;

const digest = v.pipe(v.string(), v.guard(isSha256Digest));
const contentSchema = v.strictObject({
  version: v.literal(lockVersion),
  images: v.array(v.strictObject({ reference: v.string(), platform: v.string(), digest })),
  git: v.array(
    v.strictObject({
      url: v.string(),
      ref: v.nullable(v.string()),
      commit: v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, "no commit")),
    }),
  ),
  urls: v.array(v.strictObject({ url: v.string(), sha256: digest })),
});
const versionSchema = v.looseObject({ version: v.number() });

/** Where the lock of a Lightfile is: beside it, e.g. `Lightfile.lock`. */
export function lockPathOf(lightfilePath: string): string {
  return `${lightfilePath}.lock`;
}

/**
 * Reads a lock file; null when there is none.
 * @throws Failure `LockUnreadable`, `LockCorrupt`, `LockTooNew`
 */
export async function readLock(path: string): Promise<LockContent | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (isMissing(error)) return null;
    throw new Failure({
      code: "LockUnreadable",
      category: "usage",
      message: `the lock file ${path} cannot be read (${code ?? "unknown error"})`,
      hint: "make it a readable file, or remove it and write it again with `lightbox lock`",
      cause: error,
    });
  }
  const value = parseJson(text);
  const versioned = v.safeParse(versionSchema, value);
  if (versioned.success && versioned.output.version > lockVersion) {
    throw new Failure({
      code: "LockTooNew",
      category: "usage",
      message: `the lock file ${path} has version ${versioned.output.version}; this lightbox knows ${lockVersion}`,
      hint: "update lightbox, or write the file again with `lightbox lock --update`",
    });
  }
  const parsed = v.safeParse(contentSchema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const where = v.getDotPath(issue);
  const why =
    value === undefined ? "it is not JSON" : `${where === null ? "" : `${where}: `}${issue.message}`;
  throw new Failure({
    code: "LockCorrupt",
    category: "usage",
    message: `the lock file ${path} is damaged: ${why}`,
    hint: "take back what changed it, or remove it and write it again with `lightbox lock`",
  });
}

/** The text of a lock file: the same for the same content, and a line a pin, so that changes read well. */
export function formatLock({ images, git, urls }: LockContent): string {
  const list = (name: string, pins: readonly object[]): string =>
    pins.length === 0
      ? `  "${name}": []`
      : `  "${name}": [\n${pins.map((pin) => `    ${lineOf(pin)}`).join(",\n")}\n  ]`;
  const parts = [
    `  "version": ${lockVersion}`,
    list(
      "images",
      sorted(images, (pin) => [pin.reference, pin.platform]),
    ),
    list(
      "git",
      sorted(git, (pin) => [pin.url, pin.ref ?? ""]),
    ),
    list(
      "urls",
      sorted(urls, (pin) => [pin.url]),
    ),
  ];
  return `{\n${parts.join(",\n")}\n}\n`;
}

function lineOf(pin: object): string {
  const members = Object.entries(pin).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{ ${members.join(", ")} }`;
}

function sorted<Pin>(pins: readonly Pin[], key: (pin: Pin) => readonly string[]): readonly Pin[] {
  const text = (pin: Pin): string => key(pin).join("\n");
  return pins.toSorted((left, right) => (text(left) < text(right) ? -1 : 1));
}

/** @throws Failure `LockUnwritable` */
export async function writeLock(path: string, content: LockContent): Promise<void> {
  const { default: writeFileAtomic } = await import("write-file-atomic");
  try {
    await writeFileAtomic(path, formatLock(content));
  } catch (error) {
    throw new Failure({
      code: "LockUnwritable",
      category: "usage",
      message: `the lock file ${path} cannot be written (${systemErrorCode(error) ?? "unknown error"})`,
      hint: "make its folder writable, or lock a copy of the Lightfile elsewhere",
      cause: error,
    });
  }
}
