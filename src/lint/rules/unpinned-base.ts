import { startedBlock } from "../../lightfile/check-structure.ts";
import { variablesIn } from "../../lightfile/expand.ts";
import { defaultValues, expandWith } from "../default-values.ts";
import { misspeltStage } from "../references.ts";
import type { Rule } from "../rule.ts";

/** Archives, layouts, other Lightfiles and their targets. */
const notFromRegistry = /^(?:\.{1,2}\/|[a-z-]+:\/\/|(?:oci|oci-archive|docker-archive):|git@)|#/;

export const unpinnedBase: Rule = {
  name: "UnpinnedBase",
  summary: "a base image has no version, or `latest`",
  *check(file) {
    const values = defaultValues(file);
    const hidesStages = file.tree.instructions.some(
      (one) => one.kind === "invalid" && startedBlock(one) === "stage",
    );
    const imports = new Set(file.imports.map(({ alias }) => alias.text.toLowerCase()));
    for (const stage of file.stages) {
      const { text, range } = stage.head.image;
      const reference = expandWith(text, values, file.tree.escape);
      if (reference === null || reference === "" || reference === "scratch") continue;
      // What a build argument is to say may be a part of a stage's name, or the version.
      if (variablesIn(text, { escape: file.tree.escape }).some((one) => !values.has(one))) continue;
      const name = reference.toLowerCase();
      // A stage further down, or one that is misspelt, is another mistake.
      if (file.stagesByName.has(name) || imports.has(name)) continue;
      if (misspeltStage(file, text, stage.index) !== undefined) continue;
      if (hidesStages && /^[\w-]+$/.test(name)) continue;
      if (notFromRegistry.test(reference) || reference.includes("@")) continue;
      const tag = /:([^/:]*)$/.exec(reference)?.[1];
      if (tag === "" || (tag !== undefined && tag !== "latest")) continue;
      yield {
        range,
        message:
          tag === undefined
            ? `${reference} names no version, so the base changes when latest moves`
            : `${reference} means another image each time that latest moves`,
        hint: `name a version, ${reference.replace(/:latest$/, "")}:VERSION, or a digest`,
      };
    }
  },
};
