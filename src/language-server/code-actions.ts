import { type CodeAction, CodeActionKind, type CodeActionParams } from "vscode-languageserver/node";
import type { Fix, TextEdit } from "../diagnostics/fix.ts";
import type { Finding } from "../lint/lint.ts";
import type { JoinedFindings } from "./joined-findings.ts";
import { toDiagnostic, toEdit, type UriOf } from "./to-protocol.ts";
import type { ParsedFile } from "./workspace.ts";

/** The fixes of the findings in a range, and one action that applies all safe fixes of the file. */
export function codeActionsFor(
  file: ParsedFile,
  { own: findings, uriOf }: Pick<JoinedFindings, "own" | "uriOf">,
  { range, context }: Pick<CodeActionParams, "range" | "context">,
): CodeAction[] {
  const { document } = file;
  const start = document.offsetAt(range.start);
  const end = document.offsetAt(range.end);
  const isWanted = (kind: string) =>
    context.only?.some((only) => kind === only || kind.startsWith(`${only}.`)) ?? true;
  const actions: CodeAction[] = [];
  const ignored: CodeAction[] = [];
  if (isWanted(CodeActionKind.QuickFix)) {
    for (const finding of findings) {
      if (finding.range.end < start || finding.range.start > end) continue;
      for (const fix of finding.fixes) actions.push(toAction(file, { finding, uriOf }, fix));
      if (finding.severity === "warning") ignored.push(...ignoreAction(file, { finding, uriOf }));
    }
  }
  actions.push(...ignored);
  const edits = withoutOverlaps(
    findings.flatMap(({ fixes }) => fixes.find(({ isSafe }) => isSafe)?.edits ?? []),
  );
  if (edits.length > 0 && isWanted(CodeActionKind.SourceFixAll)) {
    actions.push({
      title: "Apply all safe fixes",
      kind: CodeActionKind.SourceFixAll,
      edit: { changes: { [file.uri]: edits.map((edit) => toEdit(document, edit)) } },
    });
  }
  return actions;
}

/** Leaves a warning out for its instruction; none where no instruction holds it. */
function ignoreAction(file: ParsedFile, located: LocatedFinding): readonly CodeAction[] {
  const { finding } = located;
  const { source, instructions } = file.table.tree;
  const instruction = instructions.find(
    ({ range }) => range.start <= finding.range.start && finding.range.start <= range.end,
  );
  if (instruction === undefined) return [];
  const lineStart = source.text.lastIndexOf("\n", instruction.range.start - 1) + 1;
  const indent = source.text.slice(lineStart, instruction.range.start);
  const newText = `${indent}# lightbox-ignore ${finding.code}\n`;
  const fix: Fix = {
    title: `Ignore ${finding.code} for this ${instruction.keyword.text.toUpperCase()}`,
    edits: [{ range: { start: lineStart, end: lineStart }, newText }],
    isSafe: false,
  };
  return [toAction(file, located, fix)];
}

interface LocatedFinding {
  readonly finding: Finding;
  readonly uriOf: UriOf;
}

function toAction(file: ParsedFile, { finding, uriOf }: LocatedFinding, fix: Fix): CodeAction {
  return {
    title: fix.title,
    kind: CodeActionKind.QuickFix,
    isPreferred: fix.isSafe,
    diagnostics: [toDiagnostic(finding, uriOf, file.document)],
    edit: { changes: { [file.uri]: fix.edits.map((edit) => toEdit(file.document, edit)) } },
  };
}

/** Of edits that touch the same text the first one is kept: the others' findings come up again. */
function withoutOverlaps(edits: readonly TextEdit[]): readonly TextEdit[] {
  const kept: TextEdit[] = [];
  for (const edit of edits.toSorted((a, b) => a.range.start - b.range.start)) {
    const last = kept.at(-1);
    if (last === undefined || edit.range.start >= last.range.end) kept.push(edit);
  }
  return kept;
}
