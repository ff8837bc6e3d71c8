import { hasErrors } from "../../diagnostics/diagnostic.ts";
import { documentOf } from "../../lightfile/document.ts";
import { parseLightfile } from "../../lightfile/parse.ts";
import { exitCodes } from "../exit-code.ts";
import { readLightfile } from "../read-lightfile.ts";
import type { Session } from "../session.ts";

/**
 * `lightbox parse`: the syntax tree as JSON, diagnostics and all. A file with errors is printed, too, and has the exit
 * code of a wrong Lightfile.
 */
export async function printDocument(file: string, session: Session): Promise<number> {
  // Nothing is copied: any folder will do as the context.
  const { source } = await readLightfile(file, { buildArg: {}, context: ".", command: "parse" }, session);
  const parsed = parseLightfile(source);
  session.stdout.write(`${JSON.stringify(documentOf(parsed), null, 2)}\n`);
  return hasErrors(parsed.diagnostics) ? exitCodes.usage : exitCodes.success;
}
