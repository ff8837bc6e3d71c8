import { actingInstruction } from "../linted-file.ts";
import type { Rule } from "../rule.ts";

/** Parts of a name, between the `_`s. */
const secretPart =
  /(?:^|_)(?:api_?key|apikey|auth|credentials?|key|password|passwd|pword|secret|token)(?:$|_)/i;
const harmlessPart = /(?:^|_)(?:public|version|file|path|id|url|name|length|size|type|algorithm)(?:$|_)/i;

export const secretsUsedInArgOrEnv: Rule = {
  name: "SecretsUsedInArgOrEnv",
  summary: "a secret is in an ARG or ENV, from where it gets into the snapshot",
  *check({ tree }) {
    for (const instruction of tree.instructions) {
      const acting = actingInstruction(instruction);
      const keyword = acting.keyword.text.toUpperCase();
      for (const { name, value } of namesOf(acting)) {
        if (!secretPart.test(name.text) || harmlessPart.test(name.text)) continue;
        if (isPublic(name.text, value?.text ?? "")) continue;
        yield {
          range: name.range,
          message: `${name.text} sounds like a secret, and the value of ${keyword} can be read from the snapshot`,
          hint: `give it to the step that needs it: RUN --mount=type=secret,id=${name.text.toLowerCase()},env=${name.text}${keyword === "ENV" ? `; to a sandbox: lightbox run -e ${name.text}=…` : ""}`,
        };
      }
    }
  },
};

/** The fingerprint of a key that everybody may know, or where a secret is and not what it is. */
function isPublic(name: string, written: string): boolean {
  const value = written.replace(/^(["'])(.*)\1$/, "$2");
  if (/(?:^|_)(?:gpg|pgp|signing)(?:_|$)/i.test(name) && /^(?:(?:0x)?[0-9A-F]{8,64}\s*)+$/i.test(value))
    return true;
  return /^(?:\/[\w.-]+){2,}$/.test(value);
}

function namesOf(instruction: ReturnType<typeof actingInstruction>) {
  if (instruction.kind === "arg") return instruction.declarations;
  return instruction.kind === "env" ? instruction.pairs : [];
}
