import type { BakeEvent } from "../bake/events.ts";
import { colorsFor } from "./colors.ts";
import { formatLocatedDiagnostic } from "./diagnostic-printer.ts";
import { formatFailedStep } from "./failure-printer.ts";
import { columnsOf, type OutputStream } from "./output-stream.ts";
import type { Renderer } from "./renderer.ts";

/** Nothing but errors: wrong Lightfiles and failed steps. */
export function createQuietRenderer(
  stream: OutputStream,
  environment: Readonly<Record<string, string | undefined>>,
): Renderer {
  const colors = colorsFor(stream, environment);
  return {
    onEvent(event: BakeEvent): void {
      const options = { colors, columns: columnsOf(stream) };
      if (event.kind === "step-failed") stream.write(formatFailedStep(event, options));
      if (event.kind === "diagnostic" && event.diagnostic.severity === "error") {
        stream.write(formatLocatedDiagnostic(event.diagnostic, options));
      }
    },
    close() {},
  };
}
