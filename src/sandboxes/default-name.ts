import { randomBytes } from "node:crypto";

/** For a sandbox that nobody named: its snapshot's name, or what is before `@previous`, and some random letters. */
export function defaultNameOf(snapshot: string): string {
  const stem = snapshot.replace(/@previous$/, "").replace(/[^a-z0-9-]+/gi, "-");
  return `${stem}-${randomBytes(3).toString("hex")}`;
}
