/**
 * The stages and all that they need, each after those that it needs, else in ascending order. Loops over its own
 * stacks: a chain of stages may be longer than a call stack.
 */
export function neededStages(
  roots: readonly number[],
  needsOf: (stage: number) => readonly number[],
): readonly number[] {
  const found = new Set<number>();
  const waiting = [...roots];
  for (let stage = waiting.pop(); stage !== undefined; stage = waiting.pop()) {
    if (found.has(stage)) continue;
    found.add(stage);
    waiting.push(...needsOf(stage));
  }
  const ordered = new Set<number>();
  for (const start of [...found].sort(ascending)) {
    const stack = [start];
    for (let stage = stack.at(-1); stage !== undefined; stage = stack.at(-1)) {
      const open = [...needsOf(stage)].sort(ascending).filter((need) => !ordered.has(need));
      if (ordered.has(stage) || open.length === 0) {
        ordered.add(stage);
        stack.pop();
      } else stack.push(...open.reverse());
    }
  }
  return [...ordered];
}

function ascending(left: number, right: number): number {
  return left - right;
}
