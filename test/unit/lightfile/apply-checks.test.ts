import { describe, expect, test } from "vitest";
import type { Diagnostic, Severity } from "../../../src/diagnostics/diagnostic.ts";
import { applyChecks } from "../../../src/lightfile/apply-checks.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";

/** What is left of `UndefinedVar` and `NoEffect` (warnings) and `UnknownFlag` (an error) under this head of a file. */
function leftUnder(head: string): readonly string[] {
  const { value, diagnostics } = parseLightfile({ path: "Lightfile", text: `${head}\nFROM a\n` });
  expect(diagnostics).toEqual([]);
  const one = (severity: Severity, code: string): Diagnostic => ({
    code,
    severity,
    message: "something is there",
    source: value.source,
    range: { start: 0, end: 1 },
  });
  const all = [one("warning", "UndefinedVar"), one("error", "UnknownFlag"), one("warning", "NoEffect")];
  return applyChecks(value.directives, all).map(({ severity, code }) => `${severity} ${code}`);
}

describe("the check directive", () => {
  test.each([
    ["# an ordinary comment", ["warning UndefinedVar", "error UnknownFlag", "warning NoEffect"]],
    ["# check=skip=UndefinedVar", ["error UnknownFlag", "warning NoEffect"]],
    ["# Check = skip = undefinedvar , NoEffect", ["error UnknownFlag"]],
    ["# check=skip=all", ["error UnknownFlag"]],
    ["# check=skip=UnknownFlag", ["warning UndefinedVar", "error UnknownFlag", "warning NoEffect"]],
    ["# check=error=true", ["error UndefinedVar", "error UnknownFlag", "warning NoEffect"]],
    ["# check=error=false", ["warning UndefinedVar", "error UnknownFlag", "warning NoEffect"]],
    ["# check=skip=NoEffect; error=TRUE", ["error UndefinedVar", "error UnknownFlag"]],
    ["# check=skip=all;error=true", ["error UnknownFlag"]],
    ["# check=experimental=all", ["warning UndefinedVar", "error UnknownFlag", "warning NoEffect"]],
    ["# syntax=docker/dockerfile:1\n# check=skip=all", ["error UnknownFlag"]],
  ])("%s", (head, left) => {
    expect(leftUnder(head)).toEqual(left);
  });
});
