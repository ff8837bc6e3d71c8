import { realpathSync } from "node:fs";
import { dirname } from "node:path";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import type { SourceFile } from "../diagnostics/source-file.ts";
import { Program } from "../graph/link/program.ts";
import { errorRanges } from "../graph/parse-mistakes.ts";
import { parseLightfile } from "../lightfile/parse.ts";
import { type Finding, lint } from "../lint/lint.ts";
import { keptGitTree } from "../sources/kept-git.ts";
import type { GitTrees } from "../sources/load-program.ts";
import { lockPathOf, readLock } from "../sources/lock-file.ts";
import { noPins, type Pins, pinsOf } from "../sources/pins.ts";
import { planJoined } from "../sources/plan-joined.ts";
import type { readSource } from "../sources/read-source.ts";

export interface JoinedFindings {
  /** About the file itself. */
  readonly own: readonly Finding[];
  /** About the Lightfiles that it names. */
  readonly elsewhere: readonly Diagnostic[];
  /** Where a text is that a diagnostic is about; undefined for one that is in no file. */
  uriOf(source: SourceFile): string | undefined;
}

export interface JoiningOptions {
  readonly path: string;
  /** LIGHTBOX_HOME, where repositories are that somebody has fetched. */
  readonly homeDirectory: string;
  readonly pins: Pins;
  readonly signal: AbortSignal;
  read: typeof readSource;
  uriAt(path: string): string;
}

/**
 * Everything that is wrong with a file and with those that it names, images not looked at. Nobody is asked for a
 * repository: of one that is not here nothing is said.
 * @throws the signal's reason when aborted
 */
export async function findingsWithJoined(
  source: SourceFile,
  { path, homeDirectory, pins, signal, read, uriAt }: JoiningOptions,
): Promise<JoinedFindings> {
  const { value: tree, diagnostics } = parseLightfile(source);
  const parseErrors = errorRanges(diagnostics);
  const context = { directory: dirname(path), lightfilePath: path };
  const program = new Program({ identity: withoutLinks(path), tree, context, parseErrors }, {});
  const git: GitTrees = { fetch: async (place) => keptGitTree(homeDirectory, place, pins) };
  const planOptions = { buildArguments: {}, target: null, platform: "linux/amd64" };
  const { own, elsewhere } = await planJoined(program, planOptions, { git, signal, read });
  signal.throwIfAborted();
  return {
    own: lint(source, { others: own }),
    elsewhere,
    uriOf: (one) => {
      const file = program.files.find(({ tree: { source: text } }) => text === one);
      const at = file?.context.lightfilePath;
      return at === undefined || at === null ? undefined : uriAt(at);
    },
  };
}

/** Pins of a lock file that can be read: what is wrong with one is for a bake to say. */
export async function pinsBeside(path: string): Promise<Pins> {
  try {
    return pinsOf(await readLock(lockPathOf(path)), "ask");
  } catch (error) {
    if (error instanceof Failure) return noPins;
    throw error;
  }
}

export function withoutLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    // It is open in the editor and not on the disk yet.
    if (systemErrorCode(error) === undefined) throw error;
    return path;
  }
}
