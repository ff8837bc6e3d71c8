import { nearestName } from "../diagnostics/suggest.ts";
import type { Flag, LightfileTree, Word } from "../lightfile/ast.ts";
import { actingInstruction, type LintedFile, type StageBlock } from "./linted-file.ts";

/** The words of a stage that may name another stage: its base, `--from=`, and `from=` of mounts. */
export function stageReferences(stage: StageBlock): readonly Word[] {
  const references: Word[] = [stage.head.image];
  for (const instruction of stage.instructions) {
    references.push(...flagReferences(actingInstruction(instruction).flags));
  }
  return references;
}

/**
 * The stage before `before` that a word is nearly the name of. Without a tag, a path or a registry the word would be an
 * image whose version is left open: in a file with such a stage it is more likely misspelt. It is not where the file
 * takes the image before there is the stage.
 */
export function misspeltStage(file: LintedFile, word: string, before: number): string | undefined {
  const name = word.toLowerCase();
  if (!/^[a-z0-9_-]{3,}$/.test(name) || name === "scratch" || file.stagesByName.has(name)) return undefined;
  if (file.imports.some(({ alias }) => alias.text.toLowerCase() === name)) return undefined;
  const earlier = file.stages.slice(0, before);
  const near = nearestName(
    name,
    earlier.flatMap((stage) => stage.name ?? []),
  );
  const defined = earlier.find((stage) => stage.name === near);
  if (near === undefined || defined === undefined) return undefined;
  const isImage = earlier.some(
    ({ head, index }) => index <= defined.index && head.image.text.toLowerCase() === name,
  );
  return isImage ? undefined : near;
}

function flagReferences(flags: readonly Flag[]): readonly Word[] {
  return flags.flatMap(({ name, value }) => {
    if (value === null) return [];
    if (name.text === "from") return [value];
    const match = name.text === "mount" ? /(?:^|,)\s*from=([^,]*)/.exec(value.text) : null;
    const [all = "", from] = match ?? [];
    if (match === null || from === undefined) return [];
    // Offsets hold only where the value stands in the file letter by letter.
    const isVerbatim = value.range.end - value.range.start === value.text.length;
    const end = value.range.start + match.index + all.length;
    return [{ text: from, range: isVerbatim ? { start: end - from.length, end } : value.range }];
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
