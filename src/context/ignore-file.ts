import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Diagnosed } from "../diagnostics/diagnostic.ts";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import type { SourceFile } from "../diagnostics/source-file.ts";
import { type IgnorePatterns, parseIgnoreFile } from "../lightfile/ignore-pattern.ts";
import type { Evidence } from "../model/evidence.ts";
import { isMissing } from "../model/present-files.ts";
import { type ContextIgnore, ignoreNothing } from "./context-ignore.ts";

export interface IgnoreFileRequest {
  /** Of the Lightfile; null when it does not come from a file. */
  readonly lightfilePath: string | null;
  readonly contextDirectory: string;
}

/** Far more than anyone writes by hand, and still read in an instant. */
const mostBytes = 1024 * 1024;

/**
 * Reads the one ignore file that counts: `NAME.lightignore` or `NAME.dockerignore` beside a Lightfile called NAME,
 * else `.lightignore` or `.dockerignore` in the context.
 *
 * @throws Failure `UnreadableIgnoreFile`, `IgnoreFileTooLarge`
 */
export async function loadIgnoreFile(request: IgnoreFileRequest): Promise<LoadedIgnoreFile> {
  const { source, evidence } = await findIgnoreFile(request);
  if (source === null) return { value: ignoreNothing, diagnostics: [], evidence };
  const { value, diagnostics } = parseIgnoreFile(source);
  return { value: asContextIgnore(value, basename(source.path)), diagnostics, evidence };
}

export interface LoadedIgnoreFile extends Diagnosed<ContextIgnore> {
  /** The file, and those that would have come before it. */
  readonly evidence: readonly Evidence[];
}

interface FoundIgnoreFile {
  readonly source: SourceFile | null;
  readonly evidence: readonly Evidence[];
}

async function findIgnoreFile({
  lightfilePath,
  contextDirectory,
}: IgnoreFileRequest): Promise<FoundIgnoreFile> {
  const candidates = [
    ...(lightfilePath === null ? [] : [`${lightfilePath}.lightignore`, `${lightfilePath}.dockerignore`]),
    join(contextDirectory, ".lightignore"),
    join(contextDirectory, ".dockerignore"),
  ];
  const evidence: Evidence[] = [];
  for (const path of candidates) {
    const text = await readIfThere(path);
    if (text !== null) return { source: { path, text }, evidence: [...evidence, { kind: "content", path }] };
    evidence.push({ kind: "absent", path });
  }
  return { source: null, evidence };
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    const bytes = await readFile(path);
    if (bytes.length <= mostBytes) return bytes.toString("utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (isMissing(error)) return null;
    throw new Failure({
      code: "UnreadableIgnoreFile",
      category: "usage",
      message: `the ignore file ${path} cannot be read (${code})`,
      hint: "make it a readable file, or remove it",
      cause: error,
    });
  }
  throw new Failure({
    code: "IgnoreFileTooLarge",
    category: "usage",
    message: `the ignore file ${path} is larger than 1 MiB`,
    hint: "write patterns with wildcards instead of single paths",
  });
}

function asContextIgnore(patterns: IgnorePatterns, name: string): ContextIgnore {
  return {
    isIgnored: (path) => patterns.isIgnored(path),
    canSkipDirectory: (path) => patterns.canSkipDirectory(path),
    explain(path) {
      const rule = patterns.ignoringRule(path);
      return rule === null ? null : `line ${rule.line} of ${name} (${rule.text})`;
    },
  };
}
