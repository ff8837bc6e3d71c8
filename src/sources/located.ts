import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { Failure } from "../diagnostics/failure.ts";
import type { Range, SourceFile } from "../diagnostics/source-file.ts";

export interface Place {
  readonly source: SourceFile;
  readonly range: Range;
}

/**
 * A failure as a diagnostic at the place that asks for what failed.
 * @throws what is no mistake in the text: with the place, where that is a failure
 */
export function locateFailure(error: unknown, { source, range }: Place): Diagnostic {
  if (!(error instanceof Failure)) throw error;
  const { code, message, hint, category } = error;
  const diagnostic: Diagnostic = {
    code,
    severity: "error",
    message,
    source,
    range,
    ...(hint === undefined ? {} : { hint }),
  };
  if (category === "usage") return diagnostic;
  throw new Failure({
    code,
    category,
    message,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
    diagnostics: error.diagnostics.length > 0 ? error.diagnostics : [diagnostic],
  });
}
