import { directiveNames } from "../../src/lightfile/reserved.ts";
import { heredocRules, heredocVariableRules } from "./heredocs.ts";
import { instructionRules } from "./instructions.ts";
import { named, type Rule, scope } from "./rule.ts";
import { dialects, wordRules } from "./words.ts";

const anyDirective = `[ \\t]*#[ \\t]*(?i:${directiveNames.join("|")})[ \\t]*=[ \\t]*\\S`;

const directive: Rule = {
  match: `^\\x{FEFF}?[ \\t]*(#)[ \\t]*(?i:(${directiveNames.join("|")}))[ \\t]*(=)[ \\t]*(.*)$\\n?`,
  name: scope("meta.directive"),
  captures: {
    1: named("punctuation.definition.directive"),
    2: named("keyword.other.directive"),
    3: named("keyword.operator.assignment"),
    4: named("string.unquoted.directive"),
  },
};

/** Directives from here on; the first line that is none ends them. */
const zone = (begin: string): Rule => ({
  begin: `${begin}(?=\\x{FEFF}?${anyDirective})`,
  end: `^(?!${anyDirective})`,
  patterns: [backtickZone(), directive],
});

/** The directive that makes the backtick the escape character, and the whole rest of the file. */
function backtickZone(): Rule {
  return {
    begin: "^\\x{FEFF}?[ \\t]*(#)[ \\t]*(?i:(escape))[ \\t]*(=)[ \\t]*(`)[ \\t]*\\r?\\n",
    end: "(?!)",
    beginCaptures: {
      1: named("punctuation.definition.directive"),
      2: named("keyword.other.directive"),
      3: named("keyword.operator.assignment"),
      4: named("string.unquoted.directive"),
    },
    patterns: [
      { begin: `\\G(?=${anyDirective})`, end: `^(?!${anyDirective})`, patterns: [directive] },
      { include: "#instructions-backtick" },
    ],
  };
}

/** The TextMate grammar: what editors colour by until the language server has answered, and sites that show code. */
export function makeGrammar() {
  const repository = Object.assign(
    {},
    ...dialects.map((dialect) => ({
      ...instructionRules(dialect),
      ...wordRules(dialect),
      ...heredocRules(dialect, "word"),
      ...heredocRules(dialect, "shell"),
      ...heredocVariableRules(dialect),
    })),
  );
  return {
    information_for_contributors: [
      "Made by `node grammar/make-textmate.ts` from the parser's table of instructions.",
    ],
    name: "Lightfile",
    scopeName: "source.lightfile",
    fileTypes: ["Lightfile", "lightfile"],
    patterns: [zone("\\A"), { include: "#instructions" }],
    repository,
  };
}

export function grammarText(): string {
  return `${JSON.stringify(makeGrammar(), null, 2)}\n`;
}
