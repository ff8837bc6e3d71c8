import { defaultValues, expandWith } from "../default-values.ts";
import type { Rule } from "../rule.ts";

/** `[registry/]name[:tag][@digest]`, a path or an archive; nothing that is empty between its signs. */
const wellFormed = /^[^\s:/@](?:(?!\/\/|::|:\/(?!\/)|:@|\/:|\/$|:$|@$)\S)*$/;

export const invalidDefaultArgInFrom: Rule = {
  name: "InvalidDefaultArgInFrom",
  summary: "without build arguments, an image's name is broken",
  replaces: ["BlankBase", "UndefinedArgInFrom"],
  *check(file) {
    const values = defaultValues(file);
    for (const { head } of file.stages) {
      const { text, range } = head.image;
      if (!text.includes("$")) continue;
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
