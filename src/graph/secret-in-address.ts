import type { Range } from "../diagnostics/source-file.ts";
import type { Findings } from "./findings.ts";

const userInformation = /^([a-z][a-z+.-]*):\/\/([^/?#@]*)@/i;

/** True when an address of the web has a user or a password in it, or any other one a password. */
function holdsSecret(address: string): boolean {
  const { protocol = "", username = "", password = "" } = URL.parse(address) ?? {};
  // The user of ssh says whose key is asked for, and is no secret; a token is often the user of https.
  if (password !== "" || (username !== "" && /^https?:$/.test(protocol))) return true;
  // What is no URL may still be an address to git, such as one with a path after the host's colon.
  const [, scheme = "", user] = userInformation.exec(address) ?? [];
  return user !== undefined && (/^https?$/i.test(scheme) || user.includes(":"));
}

/** Refuses an address with a secret in it: it would be in the key, the history and the lock. */
export function refuseSecret(address: string, range: Range, findings: Findings, hint: string): boolean {
  if (!holdsSecret(address)) return false;
  findings.error("SecretInUrl", "the address has a user or a password in it", range, { hint });
  return true;
}

/** How git gets its passwords instead. */
export const gitSecretHint =
  "it would be in the key, the history and the lock: leave it out, and keep it with git (`git help credentials`)";
