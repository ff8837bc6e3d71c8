import type { OutputStream } from "./output-stream.ts";
import type { Renderer } from "./renderer.ts";

/** One JSON object a line, as docs/events.md describes them. */
export function createJsonRenderer(stream: OutputStream): Renderer {
  return {
    onEvent: (event) => stream.write(`${JSON.stringify(event)}\n`),
    close: () => {},
  };
}
