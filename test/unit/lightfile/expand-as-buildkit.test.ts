// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are substitutions of the Lightfile language
import { describe, expect, test } from "vitest";
import { expandWord, splitWords } from "../../../src/lightfile/expand.ts";
import { ExpansionError } from "../../../src/lightfile/expansion-error.ts";

/**
 * Our own cases for each rule of BuildKit's lexer, found by reading it: quotes, escapes, each form of substitution on a
 * variable that is set, empty and not set, and what is refused.
 */
const values: Readonly<Record<string, string>> = {
  SET: "value",
  EMPTY: "",
  DIR: "/srv/app/main.tar.gz",
  STARS: "**a**",
  SPACED: " p  q ",
  PATTERN: "a*",
  QUOTED: 'it\'s "so"',
  DOLLAR: "$SET",
  LINES: "one\ntwo\nthree",
  "1": "first",
  _under: "u",
  éa: "letters",
};
const lookup = (name: string): string | undefined => values[name];

function expanded(word: string, escapeChar: "\\" | "`" = "\\"): string {
  try {
    return expandWord(word, lookup, { escape: escapeChar });
  } catch (error) {
    if (error instanceof ExpansionError) return `error ${error.code}`;
    throw error;
  }
}

type Case = readonly [word: string, result: string];

const quotes: readonly Case[] = [
  ["a\"b\"'c'd", "abcd"],
  ["\"a'b\"'c\"d'", "a'bc\"d"],
  ["'$SET'\"$SET\"$SET", "$SETvaluevalue"],
  ['"${SET}s"', "values"],
  ["'a\\'", "a\\"],
  ["'a\\''b", "error UnclosedQuote"],
  ['"a\\', "error UnclosedQuote"],
  ['"\\a\\\\\\$\\""', '\\a\\$"'],
  ['"\\`"', "\\`"],
  ["\\a\\'\\\"\\\\", "a'\"\\"],
  ["\\", ""],
  ["a\\\nb", "a\nb"],
  ["\\é\\😀", "é😀"],
  ["$QUOTED", 'it\'s "so"'],
  ["$DOLLAR", "$SET"],
  ["'", "error UnclosedQuote"],
  ['"$SET', "error UnclosedQuote"],
  ["<a>", "<a>"],
  ["<< a", "<< a"],
];

const names: readonly Case[] = [
  ["$SET-x", "value-x"],
  ["$SETx", ""],
  ["${SET}x", "valuex"],
  ["$_under.$éa", "u.letters"],
  ["$1st", "firstst"],
  ["${1}", "first"],
  ["${1:+yes}", "yes"],
  ["$12", ""],
  ["$0$$$!", ""],
  ["$*a$#b$?c$-d$@e", "abcde"],
  ["${*}${#}${?}${-}${@}${!}${$}", ""],
  ["$", "$"],
  ["$ $", "$ $"],
  ["$%", "$%"],
  ["a$'b'", "a$b"],
  ["$(x)", "$(x)"],
  ["${}", "error BadSubstitution"],
  ["${ SET}", "error BadSubstitution"],
  ["${SET }", "error BadSubstitution"],
  ["${SET", "error BadSubstitution"],
  ["${#SET}", "error BadSubstitution"],
  ["${!SET}", "error BadSubstitution"],
  ["${SET^^}", "error BadSubstitution"],
  ["${SET@Q}", "error BadSubstitution"],
  ["${SET[0]}", "error BadSubstitution"],
  ["${SET:1:2}", "error BadSubstitution"],
  ["${SET:", "error BadSubstitution"],
  ["${SET=x}", "error BadSubstitution"],
];

const conditions: readonly Case[] = [
  ["${SET:-w}|${EMPTY:-w}|${NO:-w}", "value|w|w"],
  ["${SET-w}|${EMPTY-w}|${NO-w}", "value||w"],
  ["${SET:+w}|${EMPTY:+w}|${NO:+w}", "w||"],
  ["${SET+w}|${EMPTY+w}|${NO+w}", "w|w|"],
  ["${SET:?w}|${SET?w}|${EMPTY?w}", "value|value|"],
  ["${EMPTY:?w}", "error RequiredVariable"],
  ["${NO:?}", "error RequiredVariable"],
  ["${NO?w}", "error RequiredVariable"],
  ["${NO:-$SET ${EMPTY:-'${x}'} \"$SET\"}", "value ${x} value"],
  ["${NO:-\\}\\\\}", "}\\"],
  ["${NO:-{a}}", "{a}"],
  ["${NO:-a:-b}", "a:-b"],
  ["${NO:--}", "-"],
  ["${NO--}", "-"],
  ["${NO:-:}", ":"],
  ["${NO:-}", ""],
  ["${NO:-  a  b  }", "  a  b  "],
  ["${SET:-${NO:?used or not}}", "error RequiredVariable"],
  ["${SET:-'}", "error UnclosedQuote"],
  ['"${NO:-"a b"}"', "a b"],
  ["${NO:+${", "error BadSubstitution"],
];

const cuts: readonly Case[] = [
  ["${DIR#/}", "srv/app/main.tar.gz"],
  ["${DIR#*/}|${DIR##*/}", "srv/app/main.tar.gz|main.tar.gz"],
  ["${DIR%.*}|${DIR%%.*}", "/srv/app/main.tar|/srv/app/main"],
  ["${DIR%/*}", "/srv/app"],
  ["${DIR#srv}|${DIR%main}", "/srv/app/main.tar.gz|/srv/app/main.tar.gz"],
  ["${DIR#????}", "/app/main.tar.gz"],
  ["${DIR%?z}", "/srv/app/main.tar."],
  ["${SET#*}|${SET##*}|${SET%*}|${SET%%*}", "value||value|"],
  ["${SET#}|${SET##}|${SET%}|${SET%%}", "value|value|value|value"],
  ["${SET#'val'}|${SET#\"val\"}|${SET#va'l'*e}", "ue|ue|"],
  ["${STARS#\\*}|${STARS##\\**a}|${STARS%%a\\*\\*}", "*a**|**|**"],
  ["${STARS#'*'}", "**a**"],
  ["${SET#$PATTERN}|${STARS##*$PATTERN}", "value|"],
  ["${SET#[v]}|${SET#.}|${SET#(v|x)}", "value|value|value"],
  ["${LINES#*n}|${LINES##*n}", "e\ntwo\nthree|e\ntwo\nthree"],
  ["${LINES%e*}", "one\ntwo\nthre"],
  ["${NO#x}|${EMPTY#x}", "|"],
  ["${SET#\\v}", "error InvalidPattern"],
  ["${SET:#v}", "error BadSubstitution"],
  ["${SET:%v}", "error BadSubstitution"],
  ["${SET#v", "error BadSubstitution"],
];

const replacements: readonly Case[] = [
  ["${DIR/a/A}|${DIR//a/A}", "/srv/App/main.tar.gz|/srv/App/mAin.tAr.gz"],
  ["${DIR/\\//-}|${DIR//\\//-}", "-srv/app/main.tar.gz|-srv-app-main.tar.gz"],
  ["${DIR//[a-z]/-}|${DIR//./-}", "/srv/app/main.tar.gz|/srv/app/main-tar-gz"],
  ["${DIR/a*a/X}", "/srv/Xr.gz"],
  ["${DIR//a?/X}", "/srv/Xp/mXn.tX.gz"],
  ["${SET/$EMPTY/x}|${SET//$EMPTY/x}", "xvalue|xvxaxlxuxex"],
  ["${SET/x/y}|${NO/x/y}|${EMPTY/x/y}", "value||"],
  ["${SET/*/[$DIR]}", "[/srv/app/main.tar.gz]"],
  ["${SET/a/$DOLLAR}|${SET//a/$DOLLAR}", "v$SETlue|v$SETlue"],
  ["${SET/al/'a b'}", "va bue"],
  ["${SET///}", "value"],
  ["${SET/a/}", "vlue"],
  ["${SET/a}", "error BadSubstitution"],
  ["${SET//a}", "error BadSubstitution"],
  ["${SET/a/b", "error BadSubstitution"],
  ["${SET/\\a/b}", "error InvalidPattern"],
];

describe.each([
  ["quotes and escapes", quotes],
  ["names", names],
  ["defaults and conditions", conditions],
  ["cutting", cuts],
  ["replacing", replacements],
])("%s", (_subject, cases) => {
  test.each(cases)("%j is %j", (word, result) => {
    expect(expanded(word)).toBe(result);
  });

  test.each(cases.filter(([word]) => !word.includes("\\") && !word.includes("`")))(
    "%j is %j with a backtick as escape character, too",
    (word, result) => {
      expect(expanded(word, "`")).toBe(result);
    },
  );
});

test.each<Case>([
  ["C:\\dir\\$SET", "C:\\dir\\value"],
  ["`$SET``", "$SET`"],
  ['"`"`$`x"', '"$`x'],
  ["${NO:-`}}", "}"],
  // In patterns a backslash escapes whatever the file's escape character is.
  ["${STARS#\\*}", "*a**"],
])("with a backtick as escape character %j is %j", (word, result) => {
  expect(expanded(word, "`")).toBe(result);
});

describe("words", () => {
  test.each<readonly [line: string, words: readonly string[]]>([
    ["a b", ["a", "b"]],
    [" a \t\v\f\r\n b ", ["a", "b"]],
    ["a\u00a0b\u2003c\u0085d\u3000e", ["a", "b", "c", "d", "e"]],
    ["a\ufeffb\u200bc", ["a\ufeffb\u200bc"]],
    ["$SPACED", ["p", "q"]],
    ["x$SPACED'y'", ["x", "p", "q", "y"]],
    ["'$SPACED' \"$SPACED\"", ["$SPACED", " p  q "]],
    ["'' \"\" a", ["a"]],
    ["a''b c\"\"", ["ab", "c"]],
    ["\\ a\\ b", [" a b"]],
    ["$EMPTY $NO", []],
    ["${NO:-a b} c", ["a", "b", "c"]],
    ["x${NO:-a b}y", ["xa", "by"]],
    ["${NO:-'a b'}", ["a", "b"]],
    ["<<EOF << EOF <<-'E F'", ["<<EOF", "<< EOF", "<<-E F"]],
    ["a<b", ["a<b"]],
  ])("of %j are %j", (line, words) => {
    expect(splitWords(line, lookup, { escape: "\\" })).toEqual(words);
  });
});
