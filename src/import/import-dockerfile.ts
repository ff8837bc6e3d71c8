import { type Diagnosed, type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import type { SourceFile } from "../diagnostics/source-file.ts";
import { findReferences } from "../graph/base-references.ts";
import { Program } from "../graph/link/program.ts";
import type { Instruction, LightfileTree } from "../lightfile/ast.ts";
import { parseLightfile } from "../lightfile/parse.ts";
import { carryOver, linkNote } from "./carry-over.ts";
import { type Change, commentOut, type Note } from "./change.ts";
import { checkChanges, frontendChanges } from "./head-directives.ts";
import { mendArray } from "./json-like.ts";
import { snapshotLines } from "./snapshot-lines.ts";
import { ChangedText } from "./text-change.ts";

export interface ImportOptions {
  /** For the last stage. */
  readonly snapshotName: string;
  /** What the file is planned for, to see whether it can be, e.g. `linux/amd64`. */
  readonly platform: string;
}

export interface ImportedLightfile {
  readonly text: string;
  /** The names of its SNAPSHOTs, in file order. */
  readonly snapshotNames: readonly string[];
}

/** By what an instruction that cannot stay is known: where it begins. */
type Refused = ReadonlyMap<number, Diagnostic>;

/**
 * Makes a Lightfile of a Dockerfile. Comments and layout stay; what cannot be carried over is commented out with
 * the reason. What is lost or means something else is in the diagnostics, located in the Dockerfile: `NotCarriedOver`
 * and `CarriedOverDifferently`. Null when the text has mistakes that leave nothing to carry over.
 */
export function importDockerfile(
  source: SourceFile,
  options: ImportOptions,
): Diagnosed<ImportedLightfile | null> {
  const { value: tree, diagnostics } = parseLightfile(source);
  const refused = new Map<number, Diagnostic>();
  for (;;) {
    const { changed, notes, snapshotNames } = changeText(tree, options, refused);
    const result = parseLightfile({ path: "Lightfile", text: changed.text });
    const errors = result.diagnostics.filter((one) => one.severity === "error");
    const culprits = errors.map((error) => ({ error, culprit: culpritOf(error, tree, changed) }));
    if (culprits.some(({ culprit }) => culprit === null || refused.has(culprit.range.start))) {
      return { value: null, diagnostics: diagnostics.filter((one) => one.severity === "error") };
    }
    if (culprits.length === 0) {
      const open = openProblems(result.value, changed, { source, options });
      const all = [...notes.map((note) => toDiagnostic(source, note)), ...open];
      const sorted = all.toSorted((left, right) => left.range.start - right.range.start);
      return { value: { text: withLineEnd(changed.text), snapshotNames }, diagnostics: sorted };
    }
    for (const { error, culprit } of culprits) {
      if (culprit !== null && !refused.has(culprit.range.start)) refused.set(culprit.range.start, error);
    }
  }
}

/** Whoever adds a line to the file starts on a line of its own. */
function withLineEnd(text: string): string {
  if (text.endsWith("\n")) return text;
  return `${text}${text.includes("\r\n") ? "\r\n" : "\n"}`;
}

function changeText(
  tree: LightfileTree,
  { snapshotName }: ImportOptions,
  refused: Refused,
): {
  readonly changed: ChangedText;
  readonly notes: readonly Note[];
  readonly snapshotNames: readonly string[];
} {
  const { text } = tree.source;
  const snapshots = snapshotLines(text, tree.instructions, snapshotName);
  const changes: Change[] = [
    ...frontendChanges(tree),
    ...checkChanges(tree),
    ...snapshots.flatMap(({ change }) => change ?? []),
  ];
  let shell = "sh";
  for (const instruction of tree.instructions) {
    if (instruction.kind === "from") shell = "sh";
    if (instruction.kind === "shell") shell = instruction.argv[0]?.text ?? shell;
    const error = refused.get(instruction.range.start);
    changes.push(
      ...(error === undefined
        ? carryOver(instruction, { text, shell, escape: tree.escape })
        : refuse(text, instruction, error)),
    );
  }
  const edits = changes.flatMap((change) => change.edits);
  return {
    changed: new ChangedText(text, edits),
    notes: linksNotedOnce(changes.flatMap(({ note }) => note ?? [])),
    snapshotNames: snapshots.map(({ name }) => name),
  };
}

/** Nothing is to be done about any of them, so they do not hide what somebody has to look at. */
function linksNotedOnce(notes: readonly Note[]): readonly Note[] {
  const isLink = ({ message }: Note) => message === linkNote.message;
  const [first, ...others] = notes.filter(isLink);
  if (first === undefined || others.length === 0) return notes;
  const places = others.length === 1 ? "one other place" : `${others.length} other places`;
  const message = first.message.replace(":", ` here and in ${places}:`);
  return notes.flatMap((note) => (note === first ? { ...note, message } : isLink(note) ? [] : note));
}

function refuse(text: string, instruction: Instruction, error: Diagnostic): readonly Change[] {
  const mended = error.code === "MalformedJsonArray" ? mendArray(text, instruction) : null;
  if (mended !== null) return [mended];
  const note: Note = {
    kind: "lost",
    message: error.message,
    hint: error.hint ?? "write it in another way",
    range: instruction.keyword.range,
  };
  return [commentOut(text, instruction.range, note)];
}

/** The instruction that an error of the changed text is about; null: none, or one that has to be there. */
function culpritOf(error: Diagnostic, tree: LightfileTree, changed: ChangedText): Instruction | null {
  const at = changed.originalOffset(error.range.start);
  const found = tree.instructions.find(
    ({ range }) => range.start <= at && at < Math.max(range.end, range.start + 1),
  );
  if (found === undefined || found.kind === "from") return null;
  return found.keyword.text.toUpperCase() === "FROM" ? null : found;
}

/** What planning the Lightfile shows, for each of its snapshots; images are not looked at. */
function openProblems(
  tree: LightfileTree,
  changed: ChangedText,
  { source, options }: { readonly source: SourceFile; readonly options: ImportOptions },
): readonly Diagnostic[] {
  const file = { identity: "Lightfile", tree, context: { directory: "/", lightfilePath: null } };
  const { platform } = options;
  const targets = publishedStages(tree);
  const problems = new Map<string, Diagnostic>();
  for (const target of targets) {
    const { diagnostics } = findReferences(new Program(file, {}), { buildArguments: {}, target, platform });
    for (const diagnostic of diagnostics.filter((one) => hasErrors([one]))) {
      const range = {
        start: changed.originalOffset(diagnostic.range.start),
        end: changed.originalOffset(diagnostic.range.end),
      };
      const { message, hint = "write it in another way" } = diagnostic;
      problems.set(`${range.start} ${message}`, toDiagnostic(source, { kind: "lost", message, hint, range }));
    }
  }
  return [...problems.values()];
}

/** Numbers of the stages that have a SNAPSHOT. */
function publishedStages(tree: LightfileTree): readonly string[] {
  let stage = -1;
  return tree.instructions.flatMap((instruction) => {
    if (instruction.kind === "from") stage += 1;
    return instruction.kind === "snapshot" ? [String(stage)] : [];
  });
}

function toDiagnostic(source: SourceFile, { kind, message, hint, range }: Note): Diagnostic {
  const code = kind === "lost" ? "NotCarriedOver" : "CarriedOverDifferently";
  return { code, severity: "warning", message, hint, source, range };
}
