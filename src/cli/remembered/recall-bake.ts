import type { BakeEvent } from "../../bake/events.ts";
import { findHome } from "../../host/home.ts";
import { isState, stateOf } from "./evidence-states.ts";
import {
  isSameQuestion,
  kindAt,
  type RememberedBake,
  readRemembered,
  rememberedPath,
  rememberedValue,
  whatIsAsked,
} from "./remembered-bake.ts";

/**
 * Answers a bake that was asked for before with what it said then, when all that this rests on is as it was: nothing
 * is parsed, planned or looked up, and little is loaded.
 * @returns false when it has to be baked
 */
export async function recallBake(): Promise<boolean> {
  const startedAt = Date.now();
  const asked = whatIsAsked();
  const remembered = readRemembered(rememberedPath(findHome(process.env).directory, asked));
  if (
    remembered === undefined ||
    !isSameQuestion(asked, remembered.asked) ||
    !isAsItWas(remembered, process.env)
  ) {
    return false;
  }
  const { mode, events, conclusion } = remembered;
  const { createRenderer } = await import("../../render/create-renderer.ts");
  const stream = mode === "json" ? process.stdout : process.stderr;
  const renderer = await createRenderer({ mode, stream, environment: process.env });
  for (const event of events) renderer.onEvent(asOfNow(event, startedAt));
  renderer.close();
  if (conclusion !== "") process.stdout.write(conclusion);
  return true;
}

/** Whether the same question has the same answer still. */
export function isAsItWas(
  { environment, paths, kinds, states }: RememberedBake,
  now: NodeJS.ProcessEnv,
): boolean {
  if (environment.some(([name, value]) => rememberedValue(name, now[name]) !== value)) return false;
  return paths.every((path, position) => {
    const kind = kindAt(kinds, position);
    const state = kind === undefined ? undefined : stateOf(kind, path);
    return state !== undefined && isState(states, position, state);
  });
}

function asOfNow(event: BakeEvent, startedAt: number): BakeEvent {
  const at = Date.now();
  switch (event.kind) {
    case "base-resolved":
      return { ...event, at, durationMs: 0 };
    case "bake-completed":
      return { ...event, at, durationMs: at - startedAt };
    default:
      return { ...event, at };
  }
}
