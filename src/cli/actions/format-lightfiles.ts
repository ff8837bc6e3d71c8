import writeFileAtomic from "write-file-atomic";
import { hasErrors } from "../../diagnostics/diagnostic.ts";
import type { SourceFile } from "../../diagnostics/source-file.ts";
import { format } from "../../lightfile/format/format.ts";
import { layoutChanges } from "../../lightfile/format/layout-changes.ts";
import { colorsFor } from "../../render/colors.ts";
import { printDiagnostics } from "../../render/diagnostic-printer.ts";
import { plainText } from "../../render/printable-text.ts";
import { unifiedDiff } from "../../render/unified-diff.ts";
import { exitCodes } from "../exit-code.ts";
import type { FormatOptions } from "../options.ts";
import { readLightfile } from "../read-lightfile.ts";
import type { Session } from "../session.ts";

/**
 * `lightbox fmt`: prints, writes or judges the layout of Lightfiles. A file with errors is left alone, and named with
 * them on stderr.
 */
export async function formatLightfiles(
  files: readonly string[],
  options: FormatOptions,
  session: Session,
): Promise<number> {
  let exitCode: number = exitCodes.success;
  for (const file of files.length === 0 ? ["."] : files) {
    // Nothing is copied: any folder will do as the context.
    const { source, path } = await readLightfile(
      file,
      { buildArg: {}, context: ".", command: "fmt" },
      session,
    );
    const formatted = format(source);
    if (hasErrors(formatted.diagnostics)) {
      printDiagnostics(formatted.diagnostics, session.stderr, session.environment);
      exitCode = exitCodes.usage;
      continue;
    }
    const isSame = formatted.text === source.text;
    if (options.check === true || options.diff === true) {
      if (isSame) continue;
      session.stdout.write(
        options.diff === true ? diffOf(source, formatted.text, session) : `${source.path}\n`,
      );
      if (exitCode === exitCodes.success) exitCode = exitCodes.stepFailed;
    } else if (options.write === true && file !== "-") {
      if (isSame) continue;
      await writeFileAtomic(path, formatted.text);
      session.stdout.write(`${source.path}\n`);
    } else session.stdout.write(formatted.text);
  }
  return exitCode;
}

/** For a pipe the lines are as they are, so that `patch` takes them. */
function diffOf({ path, text }: SourceFile, laidOut: string, { stdout, environment }: Session): string {
  const colors = colorsFor(stdout, environment);
  const printable = stdout.isTTY === true ? plainText : String;
  return unifiedDiff(text, layoutChanges(text, laidOut), { path, colors, printable });
}
