import { type InstructionName, instructionNames, isInstructionName } from "../../src/lightfile/reserved.ts";
import { named, type Repository, type Rule, scope } from "./rule.ts";
import { type Dialect, instructionEnd } from "./words.ts";

/** How the arguments of an instruction are coloured. */
type Arguments =
  | "shell"
  | "copy"
  | "word"
  | "from"
  | "import"
  | "assignments"
  | "labels"
  | "mixin"
  | "use"
  | "healthcheck"
  | "onbuild";

const argumentsOf: Readonly<Record<InstructionName, Arguments>> = {
  ADD: "copy",
  ARG: "assignments",
  CMD: "shell",
  COPY: "copy",
  ENTRYPOINT: "shell",
  ENV: "assignments",
  EXPOSE: "word",
  FROM: "from",
  HEALTHCHECK: "healthcheck",
  IMPORT: "import",
  LABEL: "labels",
  MAINTAINER: "word",
  MIXIN: "mixin",
  ONBUILD: "onbuild",
  RESOURCES: "labels",
  RUN: "shell",
  SHELL: "shell",
  SNAPSHOT: "word",
  STOPSIGNAL: "word",
  TEST: "shell",
  USE: "use",
  USER: "word",
  VOLUME: "word",
  WORKDIR: "word",
};

/** Only these have heredocs; in the others `<<` is plain text. */
const withHeredocs: readonly InstructionName[] = ["RUN", "TEST", "COPY", "ADD", "ENV"];

export function instructionRules(dialect: Dialect): Repository {
  const { suffix } = dialect;
  const names = instructionNames.filter(isInstructionName).filter((name) => name !== "ONBUILD");
  const rules = names.map(
    (name) => [`instruction-${name.toLowerCase()}${suffix}`, instructionRule(name, dialect)] as const,
  );
  return {
    [`instructions${suffix}`]: {
      patterns: [
        { match: "^\\s*(#.*)$\\n?", captures: { 1: named("comment.line.number-sign") } },
        ...outputVariants(dialect),
        ...names.map((name) => ({ include: `#instruction-${name.toLowerCase()}${suffix}` })),
        unknownRule(dialect),
      ],
    },
    ...Object.fromEntries(rules),
  };
}

const keywordStart = "^\\x{FEFF}?\\s*((?i:ONBUILD)\\s+)?";

function instructionRule(name: InstructionName, dialect: Dialect): Rule {
  return {
    begin: `${keywordStart}((?i:${name}))(?=[\\s${dialect.escapeChar}])`,
    end: instructionEnd,
    name: scope(`meta.instruction.${name.toLowerCase()}`),
    beginCaptures: { 1: named("keyword.other.instruction"), 2: named("keyword.other.instruction") },
    patterns: [{ include: `#flags${dialect.suffix}` }, ...argumentRules(name, dialect)],
  };
}

/** `ENV --from-output NAME command` and the old form `ENV NAME text`: their names have nothing behind them to tell them by. */
function outputVariants({ suffix }: Dialect): readonly Rule[] {
  const include = (name: string): Rule => ({ include: `#${name}${suffix}` });
  return [
    {
      // The flag is looked for in the first line: a grammar sees one line at a time.
      begin: `${keywordStart}((?i:ENV))(?=(?:\\s+--[a-z-]+(?:=(?:"[^"]*"|'[^']*'|[^\\s"'])*)?)*?\\s+--from-output(?!=(?i:false)\\s)(?:=\\S+)?\\s)`,
      end: instructionEnd,
      name: scope("meta.instruction.env"),
      beginCaptures: { 1: named("keyword.other.instruction"), 2: named("keyword.other.instruction") },
      patterns: [
        include("flags"),
        {
          begin: "(?<!\\S)([^\\s=]+)(?=\\s)",
          end: "(?!^)(?=\\n)",
          beginCaptures: { 1: named("variable.other") },
          patterns: [include("heredoc-shell"), include("shell")],
        },
      ],
    },
    {
      begin: `${keywordStart}((?i:ENV))\\s+([A-Za-z_][A-Za-z0-9_]*)(?=\\s)`,
      end: instructionEnd,
      name: scope("meta.instruction.env"),
      beginCaptures: {
        1: named("keyword.other.instruction"),
        2: named("keyword.other.instruction"),
        3: named("variable.other"),
      },
      patterns: [include("word")],
    },
  ];
}

/** A line that starts with no known name: it still has to end where the parser ends it. */
function unknownRule({ suffix }: Dialect): Rule {
  return {
    begin: "^\\s*([^\\s#]\\S*)",
    end: instructionEnd,
    patterns: [{ include: `#heredoc-shell${suffix}` }, { include: `#shell${suffix}` }],
  };
}

function argumentRules(name: InstructionName, { suffix }: Dialect): readonly Rule[] {
  const include = (rule: string): Rule => ({ include: `#${rule}${suffix}` });
  const heredocs = withHeredocs.includes(name);
  const separator = (words: string): Rule => ({
    match: `(?<=\\s)(?i:${words})(?=\\s)`,
    name: scope("keyword.other.separator"),
  });
  const nameBehindAs: Rule = {
    match: "(?<=\\s)(?i:(AS))\\s+([A-Za-z][A-Za-z0-9_.-]*)",
    captures: { 1: named("keyword.other.separator"), 2: named("entity.name.type.stage") },
  };
  const assigned = (kind: string): Rule => ({
    match: "(?<=\\s)([A-Za-z_][A-Za-z0-9_.-]*)(=)",
    captures: { 1: named(kind), 2: named("keyword.operator.assignment") },
  });
  switch (argumentsOf[name]) {
    case "shell":
      return [...(heredocs ? [include("heredoc-shell")] : []), include("shell")];
    case "copy":
      return [include("heredoc-word"), include("word")];
    case "from":
    case "import":
      return [nameBehindAs, separator("AS"), include("word")];
    case "assignments": {
      const bare: Rule = { match: "(?<=\\s)[A-Za-z_][A-Za-z0-9_]*(?=\\s)", name: scope("variable.other") };
      return [assigned("variable.other"), ...(name === "ARG" ? [bare] : []), include("word")];
    }
    case "labels":
      return [assigned("entity.other.attribute-name"), include("word")];
    case "use":
      return [assigned("variable.parameter"), include("word")];
    case "mixin":
      return [{ match: "[A-Za-z][A-Za-z0-9_.-]*", name: scope("entity.name.function.mixin") }];
    case "healthcheck":
      return [separator("CMD|NONE"), include("shell")];
    case "word":
    case "onbuild":
      return [include("word")];
  }
}
