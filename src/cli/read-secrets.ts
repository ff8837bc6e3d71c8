import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { ClientSecrets } from "../bake/client-secrets.ts";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { secretLimitBytes } from "../worker/worker.ts";

const idPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

export interface SecretSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where relative paths start. */
  readonly workingDirectory: string;
}

/**
 * Reads what each `--secret` names, before anything starts. No message holds a value.
 * @throws Failure `InvalidSecret`, `SecretUnreadable`, `SecretTooLarge`
 */
export async function readSecrets(
  options: readonly string[],
  surroundings: SecretSurroundings,
): Promise<ClientSecrets> {
  const secrets = new Map<string, Uint8Array>();
  for (const text of options) {
    const { id, source } = parseSecret(text, surroundings.environment);
    if (secrets.has(id)) throw invalid(`the secret ${id} is given twice`);
    const value = await readValue(id, source, surroundings);
    if (value.length > secretLimitBytes) throw tooLarge(id);
    secrets.set(id, value);
  }
  return secrets;
}

type SecretSource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "environment"; readonly variable: string };

/**
 * `id=NAME[,src=FILE | ,env=VARIABLE]`, with `type=file` or `type=env` where one likes to say it. With an id alone it
 * is the variable of that name, or else the file, as with Docker.
 */
export function parseSecret(
  text: string,
  environment: SecretSurroundings["environment"],
): { readonly id: string; readonly source: SecretSource } {
  const fields = readFields(text);
  const id = fields.get("id") ?? "";
  const [path, variable, type] = [fields.get("src"), fields.get("env"), fields.get("type")];
  if (!idPattern.test(id)) throw invalid("--secret has no id, or one that cannot name a secret");
  if (type !== undefined && type !== "file" && type !== "env")
    throw invalid(`--secret id=${id}: no such type`);
  if (path !== undefined && variable !== undefined) {
    throw invalid(`--secret id=${id} names a file and a variable`);
  }
  if (type === "file" && variable !== undefined) throw invalid(`--secret id=${id}: type=file has no env=`);
  if (variable !== undefined) return { id, source: { kind: "environment", variable } };
  if (type === "env") return { id, source: { kind: "environment", variable: path ?? id } };
  if (path === undefined && type === undefined && environment[id] !== undefined) {
    return { id, source: { kind: "environment", variable: id } };
  }
  return { id, source: { kind: "file", path: path ?? id } };
}

const fieldNames: Readonly<Record<string, string>> = {
  id: "id",
  src: "src",
  source: "src",
  env: "env",
  type: "type",
};

function readFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const field of text.split(",")) {
    const equals = field.indexOf("=");
    const name = fieldNames[field.slice(0, Math.max(0, equals)).trim().toLowerCase()];
    // Not shown: somebody may have written the value itself.
    if (name === undefined) throw invalid("--secret has a part that is none of id=, src=, env= and type=");
    if (fields.has(name)) throw invalid(`--secret says ${name}= twice`);
    fields.set(name, field.slice(equals + 1));
  }
  return fields;
}

async function readValue(
  id: string,
  source: SecretSource,
  { environment, workingDirectory }: SecretSurroundings,
): Promise<Uint8Array> {
  if (source.kind === "environment") {
    const value = environment[source.variable];
    if (value !== undefined) return Buffer.from(value);
    throw new Failure({
      code: "SecretUnreadable",
      category: "usage",
      message: `--secret id=${id}: the variable ${source.variable} is not set`,
      hint: "set it, or name a file with src=",
    });
  }
  const path = resolve(workingDirectory, source.path);
  try {
    if ((await stat(path)).size > secretLimitBytes) throw tooLarge(id);
    return await readFile(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (error instanceof Failure || code === undefined) throw error;
    throw new Failure({
      code: "SecretUnreadable",
      category: "usage",
      message: `--secret id=${id}: ${source.path} cannot be read (${code})`,
      hint: "name a readable file with src=, or a variable with env=",
      cause: error,
    });
  }
}

function tooLarge(id: string): Failure {
  return new Failure({
    code: "SecretTooLarge",
    category: "usage",
    message: `--secret id=${id} is larger than ${secretLimitBytes / 1024} KiB`,
    hint: "a secret is a password, a token or a key: mount other files with --mount=type=bind",
  });
}

function invalid(message: string): Failure {
  const hint = "write --secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE";
  return new Failure({ code: "InvalidSecret", category: "usage", message, hint });
}
