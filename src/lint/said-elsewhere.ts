import type { Rule } from "./rule.ts";

/** Warnings of the parser, the planner and the context: they have pages and are skipped like the rules' own. */
export const saidElsewhere: readonly Rule[] = [
  {
    name: "CopyIgnoredFile",
    summary: "COPY, ADD or a mount names a file that an ignore file leaves out",
    severity: "error",
  },
  { name: "DuplicateStageName", summary: "two stages have one name" },
  { name: "ExposeInvalidFormat", summary: "EXPOSE names an address or port of the host" },
  { name: "UndeclaredBuildArgument", summary: "no ARG takes a `--build-arg`" },
  {
    name: "UndefinedArgInFrom",
    summary: "FROM, or an ARG before it, reads a variable that is not set there",
  },
  { name: "UnknownSyntax", summary: "`# syntax=` names another language than this one" },
  { name: "WildcardMatchesNothing", summary: "a wildcard of COPY or ADD matches no file" },
];
