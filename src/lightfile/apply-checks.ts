import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Directive } from "./ast.ts";

interface CheckOptions {
  readonly skipsAll: boolean;
  /** Codes in lower case. */
  readonly skipped: ReadonlySet<string>;
  readonly warningsAreErrors: boolean;
}

/**
 * What `# check=skip=Rule,Rule;error=true` at the head of a file makes of diagnostics: warnings with a skipped code
 * (`all`: every warning) are left out, and those that are left become errors. Errors stay as they are: a file cannot
 * say that it is right. What Docker has and this builder does not need is no mistake of a file that was made for both.
 */
export function applyChecks(
  directives: readonly Directive[],
  diagnostics: readonly Diagnostic[],
): readonly Diagnostic[] {
  const directive = directives.find(({ name }) => name.text.toLowerCase() === "check");
  if (directive === undefined) return diagnostics;
  const { skipsAll, skipped, warningsAreErrors } = readOptions(directive.value.text);
  return diagnostics.flatMap((diagnostic): readonly Diagnostic[] => {
    if (diagnostic.severity === "error") return [diagnostic];
    if (skipsAll || skipped.has(diagnostic.code.toLowerCase())) return [];
    return [
      warningsAreErrors && diagnostic.code !== "NoEffect" ? { ...diagnostic, severity: "error" } : diagnostic,
    ];
  });
}

/** Options that are not known are left out: the parser has reported them. */
function readOptions(text: string): CheckOptions {
  const skipped = new Set<string>();
  let warningsAreErrors = false;
  for (const option of text.toLowerCase().split(";")) {
    const [key = "", value = ""] = option.split("=", 2).map((part) => part.trim());
    if (key === "skip") for (const rule of value.split(",")) skipped.add(rule.trim());
    if (key === "error") warningsAreErrors = value === "true";
  }
  return { skipsAll: skipped.has("all"), skipped, warningsAreErrors };
}
