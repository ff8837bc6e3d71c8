import { predefinedArguments } from "../../graph/predefined-arguments.ts";
import { variablesIn } from "../../lightfile/expand.ts";
import { defaultValues, expandWith } from "../default-values.ts";
import { globalNames, requiredNames } from "../linted-file.ts";
import type { Rule } from "../rule.ts";

/** `[registry/]name[:tag][@digest]`, a path or an archive; nothing that is empty between its signs. */
const wellFormed = /^[^\s:/@](?:(?!\/\/|::|:\/(?!\/)|:@|\/:|\/$|:$|@$)\S)*$/;

export const invalidDefaultArgInFrom: Rule = {
  name: "InvalidDefaultArgInFrom",
  summary: "without build arguments, an image's name is broken",
  replaces: ["BlankBase", "UndefinedArgInFrom", "InvalidImageReference"],
  *check(file) {
    const values = defaultValues(file);
    const declared = new Set([...predefinedArguments(file.platform, null).keys(), ...globalNames(file)]);
    const required = requiredNames(file);
    for (const { head } of file.stages) {
      const { text, range } = head.image;
      const variables = variablesIn(text, { escape: file.tree.escape });
      // Of a name that nobody declares, the planner says what it may be a misspelling of.
      if (variables.length === 0 || !variables.every((name) => declared.has(name))) continue;
      if (variables.some((name) => required.has(name))) continue;
      const reference = expandWith(text, values, file.tree.escape);
      if (reference === null || wellFormed.test(reference.replace(/^[a-z-]+:\/\//, ""))) continue;
      yield {
        range,
        message:
          reference === ""
            ? `without a build argument, ${text} is empty`
            : `without a build argument, ${text} is ${reference}, which is no image`,
        hint: "give the ARG before the first FROM a default",
      };
    }
  },
};
