import type { LightfileTree } from "../../src/lightfile/ast.ts";

/** What a tree says, without where it says it and in which case its keywords are. */
export function meaningOf(tree: LightfileTree): unknown {
  return {
    escape: tree.escape,
    directives: tree.directives.map(({ name, value }) => [name.text.toLowerCase(), value.text]),
    comments: tree.comments.map((comment) => comment.text),
    instructions: tree.instructions.map((instruction) => {
      const bare = withoutPlaces(instruction) as Record<string, unknown>; // an instruction is an object
      return {
        ...bare,
        keyword: instruction.keyword.text.toUpperCase(),
        ...("as" in instruction ? { as: instruction.as?.text.toUpperCase() } : {}),
        ...(instruction.kind === "healthcheck"
          ? { words: instruction.words.map(({ text }, index) => (index === 0 ? text.toUpperCase() : text)) }
          : {}),
      };
    }),
  };
}

const places = new Set(["range", "bodyRange", "source"]);

function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => (places.has(key) ? [] : [[key, withoutPlaces(part)]])),
  );
}
