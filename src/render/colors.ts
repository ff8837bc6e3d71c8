import picocolors from "picocolors";
import type { OutputStream } from "./output-stream.ts";

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Colours only on a terminal, and not where the user has set NO_COLOR (https://no-color.org). */
export function colorsFor(
  stream: OutputStream,
  environment: Readonly<Record<string, string | undefined>>,
): Colors {
  const isRefused = environment.NO_COLOR !== undefined && environment.NO_COLOR !== "";
  return picocolors.createColors(stream.isTTY === true && !isRefused && environment.TERM !== "dumb");
}

export const noColors: Colors = picocolors.createColors(false);
