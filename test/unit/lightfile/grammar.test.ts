import { readFileSync } from "node:fs";
import { Lexer } from "chevrotain";
import { describe, expect, test } from "vitest";
import { LightfileGrammar } from "../../../src/lightfile/grammar.ts";
import {
  describeInstruction,
  directiveNames,
  instructionNames,
  isInstructionName,
  resourceSettings,
} from "../../../src/lightfile/reserved.ts";
import { createVocabulary } from "../../../src/lightfile/tokens.ts";

describe.each(["\\", "`"] as const)("the grammar with escape %s", (escapeChar) => {
  test("passes the checks that are skipped when baking", () => {
    const vocabulary = createVocabulary(escapeChar);
    const lexer = new Lexer(vocabulary.definition, {
      positionTracking: "onlyOffset",
      safeMode: true,
      skipValidations: false,
    });
    expect(lexer.lexerDefinitionErrors).toEqual([]);
    expect(() => new LightfileGrammar(vocabulary, { validate: true, beginnings: null })).not.toThrow();
  });
});

describe("grammar/lightfile.ebnf", () => {
  const ebnf = readFileSync(new URL("../../../grammar/lightfile.ebnf", import.meta.url), "utf8");
  const ruleOf = (name: string): string => {
    const match = new RegExp(`^${name} *=([\\s\\S]*?);$`, "m").exec(ebnf);
    if (match?.[1] === undefined) throw new Error(`grammar/lightfile.ebnf has no rule ${name}`);
    return match[1];
  };
  const quotedIn = (text: string): readonly string[] =>
    [...text.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? "");

  test("has a rule for each instruction of the parser, and no other", () => {
    const listed = ruleOf("instruction").match(/[a-z-]+/g) ?? [];
    expect(listed.toSorted()).toEqual(instructionNames.map((name) => name.toLowerCase()).toSorted());
  });

  test.each(instructionNames)("%s has the parser's name and flags", (name) => {
    if (!isInstructionName(name)) throw new Error(`${name} is not in the table`);
    const rule = ruleOf(name.toLowerCase());
    expect(quotedIn(rule)[0]).toBe(name);
    const named = [...rule.matchAll(/flag\("([^"]+)", ([a-z]+)\)/g)].map(([, flag, kind]) => [flag, kind]);
    expect(Object.fromEntries(named)).toEqual(describeInstruction(name).flags);
  });

  test("names the settings of RESOURCES and the directives", () => {
    expect(quotedIn(ruleOf("resource-name")).toSorted()).toEqual(resourceSettings.toSorted());
    expect(quotedIn(ruleOf("directive-name")).toSorted()).toEqual(directiveNames.toSorted());
  });

  test("defines every rule that it uses, and uses every rule that it defines", () => {
    const bare = ebnf.replaceAll(/\(\*[\s\S]*?\*\)/g, "").replaceAll(/"[^"]*"|'[^']*'|\?[^?]*\?/g, "");
    const defined = new Set([...bare.matchAll(/^([a-z][a-z-]*) *=/gm)].map((match) => match[1] ?? ""));
    const used = new Set(
      [...bare.replaceAll(/^[a-z][a-z-]* *=/gm, "").matchAll(/[a-z][a-z-]*/g)].map((match) => match[0]),
    );
    for (const word of ["flag", "value", "values", "boolean"]) used.delete(word);
    expect([...used].filter((name) => !defined.has(name))).toEqual([]);
    expect([...defined].filter((name) => !used.has(name) && name !== "lightfile" && name !== "flag")).toEqual(
      [],
    );
  });
});
