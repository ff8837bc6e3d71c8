import { unreachable } from "../diagnostics/unreachable.ts";
import type { OutputStream } from "./output-stream.ts";
import type { Renderer } from "./renderer.ts";

export type ProgressMode = "auto" | "live" | "plain" | "json" | "quiet";

export interface RendererOptions {
  readonly mode: ProgressMode;
  readonly stream: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Loads only what the mode needs. `auto`: live on a terminal that can move its cursor, else plain. */
export async function createRenderer({ mode, stream, environment }: RendererOptions): Promise<Renderer> {
  switch (mode) {
    case "auto": {
      const isLive = stream.isTTY === true && environment.TERM !== "dumb" && !isSet(environment.CI);
      return await createRenderer({ mode: isLive ? "live" : "plain", stream, environment });
    }
    case "live": {
      const { LiveRenderer } = await import("./live.ts");
      return new LiveRenderer({ stream, environment, now: Date.now, startTicking });
    }
    case "plain": {
      const { PlainRenderer } = await import("./plain.ts");
      return new PlainRenderer(stream, environment);
    }
    case "json": {
      const { createJsonRenderer } = await import("./json.ts");
      return createJsonRenderer(stream);
    }
    case "quiet": {
      const { createQuietRenderer } = await import("./quiet.ts");
      return createQuietRenderer(stream, environment);
    }
    default:
      return unreachable(mode);
  }
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "false";
}

function startTicking(callback: () => void, everyMs: number): () => void {
  const timer = setInterval(callback, everyMs);
  // A forgotten renderer must not keep the process alive.
  timer.unref();
  return () => clearInterval(timer);
}
