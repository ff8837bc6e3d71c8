import type { CompletionContext } from "./completion-context.ts";
import type { FolderEntry, Suggestion } from "./suggestion.ts";

/** Files and folders of the context, one level at a time. */
export function completeContext(context: CompletionContext, word: string): readonly Suggestion[] {
  const written = word.replace(/^\[?"?/, "");
  return completePath(context, written, context.sources.contextFolder, () => true);
}

/** Other Lightfiles: their paths begin with a dot. */
export function completeLightfiles(context: CompletionContext, word: string): readonly Suggestion[] {
  if (!word.startsWith(".") || word.includes("#")) return [];
  return completePath(context, word, context.sources.folder, (entry) => /lightfile/i.test(entry.name));
}

function completePath(
  context: CompletionContext,
  written: string,
  list: (path: string) => readonly FolderEntry[],
  isWanted: (entry: FolderEntry) => boolean,
): readonly Suggestion[] {
  const slash = written.lastIndexOf("/");
  const start = context.offset - (written.length - slash - 1);
  const entries = list(written.slice(0, slash + 1));
  return entries
    .filter((entry) => entry.isFolder || isWanted(entry))
    .map(({ name, isFolder }) => ({
      label: isFolder ? `${name}/` : name,
      kind: isFolder ? "folder" : "file",
      newText: isFolder ? `${name}/` : name,
      range: { start, end: context.offset },
      continues: isFolder,
    }));
}
