import type { Rule } from "../rule.ts";

export const unusedMixin: Rule = {
  name: "UnusedMixin",
  summary: "no stage uses a mixin or an import of a file that has stages",
  needsWholeFile: true,
  *check({ blocks, imports, stages, tree }) {
    // A file of mixins alone is there for others.
    if (stages.length === 0) return;
    const text = tree.instructions
      .flatMap((instruction) => {
        if (instruction.kind === "use") return [instruction.mixin.text];
        const from = instruction.kind === "from" ? [instruction.image.text] : [];
        return [...from, ...instruction.flags.map((flag) => flag.value?.text ?? "")];
      })
      .join("\n")
      .toLowerCase();
    for (const { head, name } of blocks) {
      if (head.kind !== "mixin" || name === null || text.split("\n").includes(name)) continue;
      yield {
        range: head.name.range,
        message: `no USE names the mixin ${head.name.text}`,
        hint: `write USE ${head.name.text} in a stage, or remove it`,
      };
    }
    for (const { alias } of imports) {
      const name = alias.text.toLowerCase();
      if (text.includes(`${name}#`) || text.split("\n").includes(name) || text.includes(`from=${name}`))
        continue;
      yield {
        range: alias.range,
        message: `nothing names the import ${alias.text}`,
        hint: `write FROM ${alias.text}#target or USE ${alias.text}#mixin, or remove it`,
      };
    }
  },
};
