// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are substitutions of the Lightfile language
import { describe, expect, test } from "vitest";
import { expandWord, splitWords, variablesIn } from "../../../src/lightfile/expand.ts";
import { ExpansionError } from "../../../src/lightfile/expansion-error.ts";

const values: Readonly<Record<string, string>> = {
  NAME: "web",
  EMPTY: "",
  FILE: "dir/archive.tar.gz",
  LIST: "one  two",
  TRICKY: "a*b?c\\d}e",
  größe: "7",
};
const lookup = (name: string): string | undefined => values[name];
const expand = (text: string): string => expandWord(text, lookup, { escape: "\\" });
const failure = (text: string): ExpansionError => {
  try {
    expand(text);
  } catch (error) {
    if (error instanceof ExpansionError) return error;
    throw error;
  }
  throw new Error(`${text} was expanded`);
};

describe("expandWord", () => {
  test.each([
    ["plain", "plain"],
    ["$NAME", "web"],
    ["a${NAME}b", "awebb"],
    ["$NAME.tar", "web.tar"],
    ["$NAMED", ""],
    ["$größe", "7"],
    ["a$", "a$"],
    ["a$.b", "a$.b"],
    ["$1$@$#x$9y", "xy"],
    ["${1:-none}", "none"],
    ["$NAME$NAME", "webweb"],
  ])("%s is %s", (text, expected) => {
    expect(expand(text)).toBe(expected);
  });

  describe("quotes and escapes", () => {
    test.each([
      ["'$NAME'", "$NAME"],
      ["'a\\b'", "a\\b"],
      ['"$NAME"', "web"],
      ['"a\\"b"', 'a"b'],
      ['"\\$NAME"', "$NAME"],
      ['"a\\b"', "a\\b"],
      ['"it\'s"', "it's"],
      ["\\$NAME", "$NAME"],
      ["a\\ b", "a b"],
      ["\\\\$NAME", "\\web"],
      ["a\\", "a"],
      ["''", ""],
      ["a'b'\"c\"", "abc"],
    ])("%s is %s", (text, expected) => {
      expect(expand(text)).toBe(expected);
    });

    test("with the backtick as escape character the backslash is ordinary", () => {
      expect(expandWord("C:\\$NAME\\`$x", lookup, { escape: "`" })).toBe("C:\\web\\$x");
    });
  });

  describe("defaults and alternatives", () => {
    test.each([
      ["${NONE:-word}", "word"],
      ["${EMPTY:-word}", "word"],
      ["${EMPTY-word}", ""],
      ["${NONE-word}", "word"],
      ["${NAME:-word}", "web"],
      ["${NAME:+word}", "word"],
      ["${EMPTY:+word}", ""],
      ["${EMPTY+word}", "word"],
      ["${NONE+word}", ""],
      ["${NAME:?no}", "web"],
      ["${EMPTY?no}", ""],
      ["${NONE:-${EMPTY:-$NAME}}", "web"],
      ["${NONE:-a${NAME}b}c", "awebbc"],
      ["${NONE:-'}'}", "}"],
      ["${NONE:-\\}}", "}"],
      ["${NONE:-a b}", "a b"],
      ["${NONE:-}", ""],
    ])("%s is %s", (text, expected) => {
      expect(expand(text)).toBe(expected);
    });
  });

  describe("cutting and replacing", () => {
    test.each([
      ["${FILE#*/}", "archive.tar.gz"],
      ["${FILE#dir}", "/archive.tar.gz"],
      ["${FILE#x}", "dir/archive.tar.gz"],
      ["${FILE#*.}", "tar.gz"],
      ["${FILE##*.}", "gz"],
      ["${FILE%.*}", "dir/archive.tar"],
      ["${FILE%%.*}", "dir/archive"],
      ["${FILE%?}", "dir/archive.tar.g"],
      ["${FILE#*}", "dir/archive.tar.gz"],
      ["${FILE##*}", ""],
      ["${FILE%.$NONE}", "dir/archive.tar.gz"],
      ["${FILE/a/A}", "dir/Archive.tar.gz"],
      ["${FILE//a/A}", "dir/Archive.tAr.gz"],
      ["${FILE//[ar]/_}", "dir/archive.tar.gz"],
      ["${FILE/a*r/X}", "dir/X.gz"],
      ["${FILE//.}", "error"],
      ["${FILE//./}", "dir/archivetargz"],
      ["${FILE/\\//-}", "dir-archive.tar.gz"],
      ["${TRICKY#a\\*}", "b?c\\d}e"],
      ["${TRICKY%\\}e}", "a*b?c\\d"],
      ["${TRICKY/\\?/!}", "a*b!c\\d}e"],
      ["${TRICKY/\\\\/-}", "a*b?c-d}e"],
      ["${NAME//$EMPTY/-}", "-w-e-b-"],
      ["${NAME//*/x}", "x"],
      ["${NONE#x}${NONE%x}${NONE/x/y}", ""],
    ])("%s is %s", (text, expected) => {
      if (expected === "error") expect(failure(text).code).toBe("BadSubstitution");
      else expect(expand(text)).toBe(expected);
    });
  });

  describe("mistakes", () => {
    test.each([
      ["a${}", "BadSubstitution", 1],
      ["${", "BadSubstitution", 0],
      ["ab${NAME", "BadSubstitution", 2],
      ["ab${NAME:-x", "BadSubstitution", 2],
      ["${{NAME}", "BadSubstitution", 0],
      ["${:-x}", "BadSubstitution", 0],
      ["${NAME=x}", "BadSubstitution", 6],
      ["${NAME:=x}", "BadSubstitution", 6],
      ["${NAME:#x}", "BadSubstitution", 6],
      ["${NAME!}", "BadSubstitution", 6],
      ["${NAME/x}", "BadSubstitution", 0],
      ["a'b", "UnclosedQuote", 1],
      ['ab"$NAME', "UnclosedQuote", 2],
      ["${NAME#\\x}", "InvalidPattern", 0],
      ["x${NONE:?}", "RequiredVariable", 1],
      ["x${EMPTY:?}", "RequiredVariable", 1],
    ])("%s is %s at %d", (text, code, offset) => {
      expect(failure(text)).toMatchObject({ code, offset });
    });

    test("a required variable's message is the writer's own, or says what is wrong", () => {
      expect(failure("${NONE:?set it to $NAME}").message).toBe("NONE: set it to web");
      expect(failure("${NONE?}").message).toBe("NONE: is not allowed to be unset");
      expect(failure("${EMPTY:?}").message).toBe("EMPTY: is not allowed to be empty");
    });

    test("nesting has a limit", () => {
      const nested = (levels: number): string => `${"${NONE:-".repeat(levels)}x${"}".repeat(levels)}`;
      expect(expand(nested(200))).toBe("x");
      expect(failure(nested(100_000)).message).toContain("nest deeper than 200");
    });
  });

  test("names variables that are not set, except where something stands in for them", () => {
    const undefinedNames: (string | number)[] = [];
    const onUndefined = (name: string, offset: number) => undefinedNames.push(name, offset);
    expandWord("$NAME a$NONE ${OTHER:-x} ${THIRD+y} ${FOURTH#z} '$NO' $1", lookup, {
      escape: "\\",
      onUndefined,
    });
    expect(undefinedNames).toEqual(["NONE", 7, "FOURTH", 36]);
  });
});

describe("splitWords", () => {
  const split = (text: string): readonly string[] => splitWords(text, lookup, { escape: "\\" });
  test.each([
    ["a  b\tc", ["a", "b", "c"]],
    ["'a b' \"c d\" e\\ f", ["a b", "c d", "e f"]],
    ["$LIST", ["one", "two"]],
    ['"$LIST"', ["one  two"]],
    ["x${LIST}y", ["xone", "twoy"]],
    ["", []],
    ["'' a", ["a"]],
    ["80 $NONE 443", ["80", "443"]],
    ["cat << EOF", ["cat", "<< EOF"]],
  ])("%s is %j", (text, expected) => {
    expect(split(text)).toEqual(expected);
  });

  test("throws the same errors", () => {
    expect(() => split("a 'b")).toThrow(ExpansionError);
  });
});

describe("variablesIn", () => {
  test.each([
    ["no variables", []],
    ["$A ${B} $A", ["A", "B"]],
    ["'$A' \\$B \"$C\"", ["C"]],
    ["${A:-${B}}", ["B", "A"]],
    ["${A:?must} ${B#$C} ${D/$E/$F}", ["A", "C", "B", "E", "F", "D"]],
    ["$1 $@ ${#}", []],
    ["$A ${", ["A"]],
  ])("%s reads %j", (text, expected) => {
    expect(variablesIn(text, { escape: "\\" })).toEqual(expected);
  });
});
