import type { BakeEvent } from "../bake/events.ts";
import { colorsFor } from "./colors.ts";
import { formatFailedStep, formatFailedTest } from "./failure-printer.ts";
import { columnsOf, type OutputStream } from "./output-stream.ts";
import type { Renderer } from "./renderer.ts";

/** Nothing but failed steps and tests. */
export function createQuietRenderer(
  stream: OutputStream,
  environment: Readonly<Record<string, string | undefined>>,
): Renderer {
  const colors = colorsFor(stream, environment);
  return {
    onEvent(event: BakeEvent): void {
      const options = { colors, columns: columnsOf(stream) };
      if (event.kind === "step-failed") stream.write(formatFailedStep(event, options));
      if (event.kind === "test-failed") stream.write(formatFailedTest(event, options));
    },
    close() {},
  };
}
