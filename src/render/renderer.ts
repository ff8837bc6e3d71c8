import type { BakeEvent } from "../bake/events.ts";

/** Draws a bake while it goes on. */
export interface Renderer {
  onEvent(event: BakeEvent): void;
  /** Writes what is still held back and gives the terminal back; harmless when called twice. */
  close(): void;
}
