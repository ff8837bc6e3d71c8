import type { LightfileTree } from "../lightfile/ast.ts";

/** The rules that `# check=experimental=RuleA,RuleB` asks for, in lower case. */
export function experimentalRules(tree: LightfileTree): ReadonlySet<string> {
  const directive = tree.directives.find(({ name }) => name.text.toLowerCase() === "check");
  const list = /(?:^|;)\s*experimental\s*=([^;]*)/i.exec(directive?.value.text ?? "")?.[1] ?? "";
  return new Set(
    list
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
}
