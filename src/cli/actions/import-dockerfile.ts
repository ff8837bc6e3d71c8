import { stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type Diagnostic, hasErrors } from "../../diagnostics/diagnostic.ts";
import { Failure, systemErrorCode } from "../../diagnostics/failure.ts";
import { isSnapshotName } from "../../graph/instructions/snapshot.ts";
import { guestPlatform } from "../../host/guest-platform.ts";
import { defaultSnapshotName } from "../../import/default-name.ts";
import { type ImportedLightfile, importDockerfile } from "../../import/import-dockerfile.ts";
import { printDiagnostics } from "../../render/diagnostic-printer.ts";
import { toPlainDiagnostic } from "../../render/diagnostics/plain-data.ts";
import { exitCodes } from "../exit-code.ts";
import { type ReadLightfile, readLightfile } from "../read-lightfile.ts";
import type { Session } from "../session.ts";

export interface ImportCommandOptions {
  readonly output?: string;
  readonly name?: string;
  readonly force?: boolean;
  readonly format: "text" | "json";
}

/**
 * `lightbox import`: writes the Lightfile and lists what it lacks. Exit code 1 when something was not carried over,
 * 2 when the Dockerfile has mistakes that leave nothing to write.
 * @throws Failure those of `readLightfile`; `InvalidSnapshotName`, `OutputExists`, `OutputUnwritable`
 */
export async function runImport(
  dockerfile: string,
  options: ImportCommandOptions,
  session: Session,
): Promise<number> {
  const read = await readDockerfile(dockerfile, session);
  const snapshotName = options.name ?? defaultSnapshotName(read.path);
  requireSnapshotName(snapshotName);
  const { value, diagnostics } = importDockerfile(read.source, { snapshotName, platform: guestPlatform() });
  const output = options.output ?? join(dirname(read.path), "Lightfile");
  const path = output === "-" ? null : resolve(session.workingDirectory, output);
  const findings = [...diagnostics, ...(path === null ? [] : await lostIgnoreFile(read, path))];
  if (value !== null && path !== null) await writeLightfile(path, value.text, options.force ?? false);
  if (options.format === "json") {
    session.stdout.write(`${JSON.stringify(report(value, path, findings), null, 2)}\n`);
  } else {
    if (value !== null && path === null) session.stdout.write(value.text);
    printDiagnostics(findings, session.stderr, session.environment);
    if (value !== null && path !== null) session.stderr.write(summary(path, findings, session));
  }
  if (hasErrors(findings) || value === null) return exitCodes.usage;
  return findings.some(({ code }) => code === "NotCarriedOver") ? notWhole : exitCodes.success;
}

/** The Lightfile is written, and somebody has to look at it. */
const notWhole = 1;

async function readDockerfile(dockerfile: string, session: Session): Promise<ReadLightfile> {
  const given = resolve(session.workingDirectory, dockerfile);
  const path = dockerfile !== "-" && (await isFolder(given)) ? join(dockerfile, "Dockerfile") : dockerfile;
  return readLightfile(path, { buildArg: {}, command: "import" }, session);
}

function requireSnapshotName(name: string): void {
  if (isSnapshotName(name)) return;
  throw new Failure({
    code: "InvalidSnapshotName",
    category: "usage",
    message: `${JSON.stringify(name)} cannot name a snapshot`,
    hint: "use letters, digits, '.', '_' and '-', beginning with a letter or digit; '/' may stand between such parts",
  });
}

async function writeLightfile(path: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: force ? "w" : "wx" });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (code === "EEXIST") {
      throw new Failure({
        code: "OutputExists",
        category: "usage",
        message: `${path} is there already`,
        hint: "choose another file with -o, or write over it with --force",
        cause: error,
      });
    }
    throw new Failure({
      code: "OutputUnwritable",
      category: "usage",
      message: `${path} cannot be written (${code})`,
      hint: "choose a file in a folder that is there and that you may write to",
      cause: error,
    });
  }
}

/** `Dockerfile.dockerignore` counts for a file of that name only. */
async function lostIgnoreFile(
  { path, source }: ReadLightfile,
  output: string,
): Promise<readonly Diagnostic[]> {
  const own = `${path}.dockerignore`;
  if (dirname(path) === dirname(output) && basename(path) === basename(output)) return [];
  if (!(await isThere(own))) return [];
  return [
    {
      code: "NotCarriedOver",
      severity: "warning",
      message: `${basename(own)} leaves files out for ${basename(path)} only`,
      hint: `rename it to ${basename(output)}.lightignore, beside the Lightfile`,
      source,
      range: { start: 0, end: 0 },
    },
  ];
}

async function isFolder(path: string): Promise<boolean> {
  return (await statusOf(path))?.isDirectory() ?? false;
}

async function isThere(path: string): Promise<boolean> {
  return (await statusOf(path)) !== null;
}

async function statusOf(path: string): Promise<Awaited<ReturnType<typeof stat>> | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return null;
  }
}

function summary(path: string, findings: readonly Diagnostic[], session: Session): string {
  const written = relative(session.workingDirectory, path);
  const lost = findings.filter(({ code }) => code === "NotCarriedOver").length;
  const different = findings.length - lost;
  const counts = [
    ...(lost > 0 ? [`${lost} not carried over`] : []),
    ...(different > 0 ? [`${different} carried over differently`] : []),
  ];
  const rest = counts.length === 0 ? "everything is carried over" : counts.join(", ");
  return `wrote ${written.startsWith("..") ? path : written}: ${rest}\n`;
}

/** What `--format json` prints; docs/cli.md describes it. */
function report(
  value: ImportedLightfile | null,
  path: string | null,
  findings: readonly Diagnostic[],
): Readonly<Record<string, unknown>> {
  return {
    version: 1,
    lightfile: value === null ? null : path,
    ...(value !== null && path === null ? { text: value.text } : {}),
    snapshots: value?.snapshotNames ?? [],
    diagnostics: findings.map(toPlainDiagnostic),
  };
}
