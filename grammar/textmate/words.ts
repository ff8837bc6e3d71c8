import { named, type Repository, type Rule, scope } from "./rule.ts";

/**
 * One of the two languages that the `escape` directive chooses between. Every rule exists once for each, because a
 * TextMate grammar cannot remember the choice.
 */
export interface Dialect {
  /** Ends the names of its rules. */
  readonly suffix: string;
  /** The escape character as a pattern. */
  readonly escapeChar: string;
}

export const dialects: readonly Dialect[] = [
  { suffix: "", escapeChar: "\\\\" },
  { suffix: "-backtick", escapeChar: "`" },
];

/** At a line's start a line feed belongs to a blank line inside a continuation: it does not end the instruction. */
export const instructionEnd = "(?!^)\\n";

/** What words of all kinds consist of. */
export function wordRules({ suffix, escapeChar }: Dialect): Repository {
  const include = (name: string): Rule => ({ include: `#${name}${suffix}` });
  // Flags lose their quotes before anything is expanded: both kinds do the same.
  const flagQuotes = (quote: string, kind: string): Rule => ({
    begin: quote,
    end: `${quote}|(?!^)(?=\\n)`,
    name: scope(kind),
    patterns: [
      include("continuation"),
      { match: `${escapeChar}[^\\s]`, name: scope("constant.character.escape") },
      include("variable"),
    ],
  });
  const flagValue: readonly Rule[] = [
    include("continuation"),
    { match: `${escapeChar}[^\\s]`, name: scope("constant.character.escape") },
    flagQuotes("'", "string.quoted.single"),
    flagQuotes('"', "string.quoted.double"),
    include("variable"),
  ];
  return {
    [`continuation${suffix}`]: {
      patterns: [
        {
          match: `(?<!${escapeChar})(${escapeChar})[ \\t]*\\r?\\n`,
          captures: { 1: named("punctuation.separator.continuation") },
        },
        { match: "^\\s*(#.*)$\\n?", captures: { 1: named("comment.line.number-sign") } },
        { match: "^\\s*\\n" },
      ],
    },
    // Words as the builder expands them.
    [`word${suffix}`]: {
      patterns: [
        include("continuation"),
        { match: `${escapeChar}[^\\s]`, name: scope("constant.character.escape") },
        include("single-quoted"),
        include("double-quoted"),
        include("variable"),
      ],
    },
    // Command lines: a shell's escape character is always a backslash.
    [`shell${suffix}`]: {
      patterns: [
        include("continuation"),
        { match: "\\\\[^\\s]", name: scope("constant.character.escape") },
        include("single-quoted"),
        {
          begin: '"',
          end: '"|(?!^)(?=\\n)',
          name: scope("string.quoted.double"),
          patterns: [
            include("continuation"),
            { match: '\\\\[\\\\"$`]', name: scope("constant.character.escape") },
            include("variable"),
          ],
        },
        include("variable"),
      ],
    },
    [`single-quoted${suffix}`]: {
      begin: "'",
      end: "'|(?!^)(?=\\n)",
      name: scope("string.quoted.single"),
      patterns: [include("continuation")],
    },
    [`double-quoted${suffix}`]: {
      begin: '"',
      end: '"|(?!^)(?=\\n)',
      name: scope("string.quoted.double"),
      patterns: [
        include("continuation"),
        { match: `${escapeChar}["$${escapeChar}]`, name: scope("constant.character.escape") },
        include("variable"),
      ],
    },
    [`variable${suffix}`]: {
      patterns: [
        {
          match: "(\\$)([A-Za-z_][A-Za-z0-9_]*)",
          captures: { 1: named("punctuation.definition.variable"), 2: named("variable.other") },
        },
        {
          begin: "(\\$\\{)([A-Za-z_][A-Za-z0-9_]*)?(:?[-+?]|##?|%%?|//?)?",
          end: "\\}|(?!^)(?=\\n)",
          beginCaptures: {
            1: named("punctuation.section.variable.begin"),
            2: named("variable.other"),
            3: named("keyword.operator.expansion"),
          },
          endCaptures: { 0: named("punctuation.section.variable.end") },
          patterns: [include("word")],
        },
      ],
    },
    // Between an instruction's name and its arguments; it ends at the first word that is no flag.
    [`flags${suffix}`]: {
      begin: "\\G",
      end: `(?=\\S)(?!--[A-Za-z])(?!${escapeChar}[ \\t]*\\r?\\n)(?!#)|(?!^)(?=\\n)`,
      patterns: [
        include("continuation"),
        {
          begin: "(--arg)(=)([A-Za-z_][A-Za-z0-9_]*)(?==)",
          end: "(?=\\s)",
          beginCaptures: {
            1: named("entity.other.attribute-name.flag"),
            2: named("keyword.operator.assignment"),
            3: named("variable.parameter"),
          },
          patterns: flagValue,
        },
        {
          begin: "(--[A-Za-z][A-Za-z0-9-]*)(=)?",
          end: "(?=\\s)",
          beginCaptures: {
            1: named("entity.other.attribute-name.flag"),
            2: named("keyword.operator.assignment"),
          },
          patterns: flagValue,
        },
      ],
    },
  };
}
