import { defaultValues, expandWith } from "../default-values.ts";
import type { Rule } from "../rule.ts";

/** Archives, layouts, other Lightfiles and their targets. */
const notFromRegistry = /^(?:\.{1,2}\/|[a-z-]+:\/\/|(?:oci|oci-archive|docker-archive):|git@)|#/;

export const unpinnedBase: Rule = {
  name: "UnpinnedBase",
  summary: "a base image has no version, or `latest`",
  *check(file) {
    const values = defaultValues(file);
    const imports = new Set(file.imports.map(({ alias }) => alias.text.toLowerCase()));
    for (const stage of file.stages) {
      const { text, range } = stage.head.image;
      // A stage further down is another mistake.
      const isStage = file.stagesByName.has(text.toLowerCase());
      if (isStage || imports.has(text.toLowerCase())) continue;
      const reference = expandWith(text, values, file.tree.escape);
      if (reference === null || reference === "" || reference === "scratch") continue;
      if (notFromRegistry.test(reference) || reference.includes("@")) continue;
      const tag = /:([^/:]*)$/.exec(reference)?.[1];
      if (tag === "" || (tag !== undefined && tag !== "latest")) continue;
      yield {
        range,
        message:
          tag === undefined
            ? `${reference} names no version, so the base changes when latest moves`
            : `${reference} means another image each time that latest moves`,
        hint: `name a version, e.g. ${reference.replace(/:latest$/, "")}:1.2, or a digest`,
      };
    }
  },
};
