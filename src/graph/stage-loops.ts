import type { Range } from "../diagnostics/source-file.ts";
import { findStage, type StageText } from "./stages.ts";

/** A word of one stage that names another. */
export interface StageEdge {
  readonly message: string;
  readonly range: Range;
}

/**
 * The words by which `start` comes to need `goal`, as far as they say so without variables; null when it does not.
 * A stage that comes later cannot be read at all, so this only tells a loop from a wrong order.
 */
export function wayBack(
  stages: readonly StageText[],
  start: StageText,
  goal: StageText,
): readonly StageEdge[] | null {
  const reached = new Map<StageText, readonly StageEdge[]>([[start, []]]);
  const waiting = [start];
  for (let stage = waiting.shift(); stage !== undefined; stage = waiting.shift()) {
    const way = reached.get(stage) ?? [];
    for (const { name, range, does } of namedBy(stage)) {
      const next = findStage(stages, name);
      if (next === undefined || reached.has(next)) continue;
      const edge = { message: `stage ${stage.name ?? stage.index} ${does} ${name} here`, range };
      if (next === goal) return [...way, edge];
      reached.set(next, [...way, edge]);
      waiting.push(next);
    }
  }
  return null;
}

interface NamedStage {
  readonly name: string;
  readonly range: Range;
  readonly does: string;
}

function namedBy({ from, instructions }: StageText): readonly NamedStage[] {
  const copies = instructions.flatMap(({ flags }) =>
    flags.flatMap(({ name, value, range }): readonly NamedStage[] =>
      name.text === "from" && value !== null ? [{ name: value.text, range, does: "copies from" }] : [],
    ),
  );
  return [{ name: from.image.text, range: from.image.range, does: "stands on" }, ...copies];
}
