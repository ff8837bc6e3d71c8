import { readdirSync, readFileSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import type { SourceFile } from "../diagnostics/source-file.ts";
import { nearestName } from "../diagnostics/suggest.ts";
import { isMissing } from "../model/present-files.ts";
import { decodeLightfile, lightfileLimitBytes, lightfileTooLarge } from "../sources/lightfile-text.ts";
import type { LightfileOptions } from "./options.ts";
import type { Session } from "./session.ts";

export interface ReadLightfile {
  readonly source: SourceFile;
  /** Absolute; names the Lightfile's history. */
  readonly path: string;
  /** Absolute. */
  readonly contextDirectory: string;
}

export interface ReadOptions extends LightfileOptions {
  /** The one that is running, for hints, where it takes only a path. */
  readonly command?: PathCommand;
}

type PathCommand = "check" | "fmt" | "parse" | "import";

/**
 * Finds and reads the Lightfile that the command line means: a file, a folder that holds `Lightfile`, or
 * `-f FILE` with the folder of its context; `-` is stdin.
 * @throws Failure `LightfileNotFound`, `LightfileTooLarge`, `LightfileNotText`, `LightfileUnreadable`, `LightfileNotFile`,
 *   `ContextNotFound`, `ContextNotDirectory`
 */
export async function readLightfile(
  argument: string,
  options: ReadOptions,
  session: Session,
): Promise<ReadLightfile> {
  const given = resolve(session.workingDirectory, argument);
  const isDirectory = argument !== "-" && isFolder(given);
  const written = options.file ?? (isDirectory ? join(argument, "Lightfile") : argument);
  const fromStdin = written === "-";
  const path = resolve(session.workingDirectory, fromStdin ? "Lightfile-from-stdin" : written);
  const contextDirectory =
    options.context !== undefined
      ? resolve(session.workingDirectory, options.context)
      : options.file !== undefined && isDirectory
        ? given
        : dirname(path);
  if (!isFolder(contextDirectory)) throw noContext(contextDirectory);
  const bytes = fromStdin ? await readStdin(session) : readBounded(path, written, options.command);
  return {
    source: { path: displayPath(path, session), text: decodeLightfile(bytes, written) },
    path,
    contextDirectory,
  };
}

/** As people write it from where they are. */
export function displayPath(path: string, session: Session): string {
  const short = relative(session.workingDirectory, path);
  return short.startsWith("..") ? path : short;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

function noContext(path: string): Failure {
  const hint = "name the folder that COPY takes files from with --context";
  try {
    statSync(path);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    const message = `the context ${path} cannot be opened (${systemErrorCode(error)})`;
    return new Failure({ code: "ContextNotFound", category: "usage", message, hint, cause: error });
  }
  const message = `the context ${path} is not a folder`;
  return new Failure({ code: "ContextNotDirectory", category: "usage", message, hint });
}

function readBounded(path: string, written: string, command: PathCommand | undefined): Buffer {
  try {
    const status = statSync(path);
    if (!status.isFile()) throw notFile(written, status);
    if (status.size > lightfileLimitBytes) throw lightfileTooLarge(written);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (isMissing(error)) throw notFound(path, written, command);
    throw new Failure({
      code: "LightfileUnreadable",
      category: "usage",
      message: `${written} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      hint: "make it readable for this user, or name another file",
      cause: error,
    });
  }
}

function notFile(written: string, status: Stats): Failure {
  const isStdin = /^\/(dev\/stdin|dev\/fd\/\d+|proc\/self\/fd\/\d+)$/.test(written);
  const kind = status.isDirectory() ? "a folder" : status.isFIFO() ? "a pipe" : "a device or socket";
  return new Failure({
    code: "LightfileNotFile",
    category: "usage",
    message: `${written} is ${kind}, not a file`,
    hint: isStdin
      ? "write -f - to read the Lightfile from standard input"
      : "name the file with -f, or write -f - to read it from standard input",
  });
}

function notFound(path: string, written: string, command: PathCommand | undefined): Failure {
  const neighbours = namesBeside(path);
  const near = nearestName(basename(path), neighbours);
  const hint =
    near !== undefined
      ? `did you mean ${near}?`
      : neighbours.includes("Dockerfile")
        ? command === undefined
          ? "there is a Dockerfile: lightbox bake -f Dockerfile, or lightbox import"
          : `there is a Dockerfile: lightbox ${command} Dockerfile`
        : command === undefined
          ? "name it: lightbox bake PATH, or lightbox bake -f FILE CONTEXT"
          : `name it: lightbox ${command} PATH`;
  const message = `there is no ${command === "import" ? "Dockerfile" : "Lightfile"} ${written}`;
  return new Failure({ code: "LightfileNotFound", category: "usage", message, hint });
}

function namesBeside(path: string): readonly string[] {
  try {
    return readdirSync(dirname(path));
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return [];
  }
}

async function readStdin(session: Session): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of session.stdin) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    sizeBytes += bytes.length;
    if (sizeBytes > lightfileLimitBytes) throw lightfileTooLarge("the text on stdin");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
