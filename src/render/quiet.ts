import type { BakeEvent } from "../bake/events.ts";
import { colorsFor } from "./colors.ts";
import { formatFailedStep } from "./failure-printer.ts";
import { columnsOf, type OutputStream } from "./output-stream.ts";
import type { Renderer } from "./renderer.ts";

/** Nothing but failed steps. */
export function createQuietRenderer(
  stream: OutputStream,
  environment: Readonly<Record<string, string | undefined>>,
): Renderer {
  const colors = colorsFor(stream, environment);
  return {
    onEvent(event: BakeEvent): void {
      if (event.kind !== "step-failed") return;
      stream.write(formatFailedStep(event, { colors, columns: columnsOf(stream) }));
    },
    close() {},
  };
}
