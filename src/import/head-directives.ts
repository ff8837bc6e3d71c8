import type { LightfileTree } from "../lightfile/ast.ts";
import { isDockersFrontend } from "../lightfile/directives.ts";
import type { Change } from "./change.ts";
import { wholeLines } from "./text-change.ts";

/** `# syntax=` goes: lightbox has one language. Another frontend may have had another one. */
export function frontendChanges({ directives, source: { text } }: LightfileTree): readonly Change[] {
  const directive = directives.find(({ name }) => name.text.toLowerCase() === "syntax");
  if (directive === undefined) return [];
  const line = wholeLines(text, directive.range);
  const lineEnd = text.indexOf("\n", line.end);
  const start = text.startsWith("\uFEFF") ? Math.max(line.start, 1) : line.start;
  const edits = [{ range: { start, end: lineEnd === -1 ? text.length : lineEnd + 1 }, newText: "" }];
  if (isDockersFrontend(directive.value.text)) {
    const note = {
      kind: "different",
      message: "# syntax= is left out: lightbox reads its Lightfiles itself",
      hint: "nothing is to be done",
      range: directive.range,
    } as const;
    return [{ edits, note }];
  }
  const note = {
    kind: "lost",
    message: `the file is written for the frontend ${directive.value.text}, which may know other instructions`,
    hint: "compare the Lightfile with what that frontend makes of the file",
    range: directive.range,
  } as const;
  return [{ edits, note }];
}

/** `# check=error=true` stays, and means more here than BuildKit's own rules. */
export function checkChanges({ directives }: LightfileTree): readonly Change[] {
  const directive = directives.find(({ name }) => name.text.toLowerCase() === "check");
  if (directive === undefined || !/(?:^|;)\s*error\s*=\s*true\s*(?:;|$)/i.test(directive.value.text))
    return [];
  const note = {
    kind: "different",
    message: "error=true makes errors of what lightbox's own rules say, too",
    hint: "see lightbox check, and name the rules to leave out: # check=skip=RuleA,RuleB;error=true",
    range: directive.range,
  } as const;
  return [{ edits: [], note }];
}
