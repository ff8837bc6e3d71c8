import { named, type Repository, type Rule, scope } from "./rule.ts";
import type { Dialect } from "./words.ts";

/** The kinds of a heredoc's mark: `<<` or `<<-`, with a quoted word or without. */
const kinds = [
  { dash: "", quote: "" },
  { dash: "-", quote: "" },
  { dash: "", quote: "[\"']" },
  { dash: "-", quote: "[\"']" },
] as const;

type Kind = (typeof kinds)[number];

const anyMark = "(?<!\\S)\\d*<<-?[ \\t]*(?:\"[^\"<\\n]+\"|'[^'<\\n]+'|[^\\s<\"'\\\\`]+)(?=\\s)";

/** A mark; `group` is the number of the capture that holds the word. Three captures in all. */
function mark({ dash, quote }: Kind): { readonly pattern: string; readonly group: 2 | 3 } {
  const start = `(?<!\\S)(\\d*<<${dash}[ \\t]*)`;
  if (quote === "") return { pattern: `${start}([^\\s<"'\\\\\`-][^\\s<"'\\\\\`]*)(?=\\s)`, group: 2 };
  return { pattern: `${start}(${quote})([^"'<\\n]+)(\\2)(?=\\s)`, group: 3 };
}

function terminator({ dash }: Kind, group: number): string {
  return `^${dash === "" ? "" : "\\t*"}(\\${group})\\r?(?=\\n)`;
}

/**
 * Heredocs of an instruction with words of one kind. The bodies of several follow in the order of their marks, and a
 * rule can wait for one word only: so the rule of the last mark starts first, around those before it.
 */
export function heredocRules({ suffix }: Dialect, words: "word" | "shell"): Repository {
  const include = (name: string): Rule => ({ include: `#${name}${suffix}` });
  const prefix = `heredoc-${words}`;
  const restOfLine: Rule = {
    begin: "\\G",
    end: "(?!^)\\n",
    patterns: [
      { match: anyMark, name: scope("entity.name.heredoc") },
      ...(words === "word" ? [include("destination")] : []),
      include(words),
    ],
  };
  const body = ({ quote }: Kind): readonly Rule[] => (quote === "" ? [include("heredoc-variable")] : []);
  const single = kinds.map((kind): Rule => {
    const { pattern, group } = mark(kind);
    return {
      begin: pattern,
      end: terminator(kind, group),
      beginCaptures: {
        1: named("keyword.operator.heredoc"),
        2: group === 2 ? named("entity.name.heredoc") : named("entity.name.heredoc.quote"),
        ...(group === 3 ? { 3: named("entity.name.heredoc"), 4: named("entity.name.heredoc.quote") } : {}),
      },
      endCaptures: { 1: named("entity.name.heredoc") },
      contentName: scope("string.unquoted.heredoc"),
      patterns: [restOfLine, ...body(kind)],
    };
  });
  /** The rule of the last of `count` marks; it starts at the first one. */
  const around = (count: number): readonly Rule[] =>
    kinds.map((kind): Rule => {
      const { pattern, group } = mark(kind);
      const before = Array.from({ length: count - 1 }, () => `${anyMark}(?:(?!${anyMark})[^\\n])*?`).join("");
      const inner = count === 2 ? `${prefix}-1` : `${prefix}-${count - 1}`;
      return {
        begin: `(?=${before}${pattern})`,
        end: terminator(kind, group),
        endCaptures: { 1: named("entity.name.heredoc") },
        contentName: scope("string.unquoted.heredoc"),
        patterns: [{ include: `#${inner}${suffix}` }, ...body(kind)],
      };
    });
  return {
    [`${prefix}${suffix}`]: {
      patterns: [3, 2, 1].map((count) => include(`${prefix}-${count}`)),
    },
    [`${prefix}-3${suffix}`]: { patterns: around(3) },
    [`${prefix}-2${suffix}`]: { patterns: around(2) },
    [`${prefix}-1${suffix}`]: { patterns: single },
  };
}

/** Inside of a body quotes are plain text, and a backslash takes the meaning of a `$`. */
export function heredocVariableRules({ suffix }: Dialect): Repository {
  return {
    [`heredoc-variable${suffix}`]: {
      patterns: [
        { match: "\\\\[$\\\\`]", name: scope("constant.character.escape") },
        { include: `#variable${suffix}` },
      ],
    },
    [`destination${suffix}`]: { match: "/(?=\\s)", name: scope("punctuation.separator.path") },
  };
}
