import type { Flag, LightfileTree, Word } from "../lightfile/ast.ts";
import { actingInstruction, type StageBlock } from "./linted-file.ts";

/** The words of a stage that may name another stage: its base, `--from=`, and `from=` of mounts. */
export function stageReferences(stage: StageBlock): readonly Word[] {
  const references: Word[] = [stage.head.image];
  for (const instruction of stage.instructions) {
    references.push(...flagReferences(actingInstruction(instruction).flags));
  }
  return references;
}

function flagReferences(flags: readonly Flag[]): readonly Word[] {
  return flags.flatMap(({ name, value }) => {
    if (value === null) return [];
    if (name.text === "from") return [value];
    const from = name.text === "mount" ? /(?:^|,)\s*from=([^,]*)/.exec(value.text)?.[1] : undefined;
    return from === undefined ? [] : [{ text: from, range: value.range }];
  });
}

/**
 * The names before a `#`, and names without one, that FROM, USE, `--from=` and mounts of a file have, in lower case.
 */
export function namedReferences(tree: LightfileTree): ReadonlySet<string> {
  const words = tree.instructions.flatMap((instruction) => {
    const acting = actingInstruction(instruction);
    const own = acting.kind === "use" ? [acting.mixin] : acting.kind === "from" ? [acting.image] : [];
    return [...own, ...flagReferences(acting.flags)];
  });
  return new Set(words.map(({ text }) => text.replace(/#.*$/, "").toLowerCase()));
}
