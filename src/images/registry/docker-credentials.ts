import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { Failure, systemErrorCode } from "../../diagnostics/failure.ts";
import { parseJson } from "../../model/parse-json.ts";
import { isMissing } from "../../model/present-files.ts";
import { cancelled } from "../image-failures.ts";
import { dockerHub } from "../reference.ts";

/** What `docker login` has left for a registry. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** To be exchanged for an access token. */
  | { readonly kind: "identity-token"; readonly token: string };

export interface CredentialOptions {
  /** HOME, DOCKER_CONFIG and PATH are read from it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal | undefined;
}

const configSchema = v.object({
  auths: v.nullish(
    v.record(
      v.string(),
      v.object({
        auth: v.nullish(v.string()),
        username: v.nullish(v.string()),
        password: v.nullish(v.string()),
        identitytoken: v.nullish(v.string()),
      }),
    ),
  ),
  credsStore: v.nullish(v.string()),
  credHelpers: v.nullish(v.record(v.string(), v.string())),
});
type DockerConfig = v.InferOutput<typeof configSchema>;

const helperAnswerSchema = v.object({ Username: v.string(), Secret: v.string() });
const helperTimeoutMs = 30_000;

/**
 * The login for a registry from Docker's config.json: a helper for this registry, the helper for all, the file itself, in
 * this order. Undefined when there is none.
 * @throws Failure `DockerConfigInvalid`, `CredentialHelperFailed`, `Cancelled`
 */
export async function findCredential(
  registry: string,
  options: CredentialOptions,
): Promise<Credential | undefined> {
  const config = await readConfig(options.environment);
  if (config === undefined) return undefined;
  const helper =
    config.credHelpers?.[registry] ?? config.credHelpers?.[serverKey(registry)] ?? config.credsStore;
  if (helper) {
    const answer = await askHelper(helper, serverKey(registry), options);
    if (answer !== undefined) return answer;
  }
  return fromFile(config, registry);
}

function serverKey(registry: string): string {
  return registry === dockerHub.name ? dockerHub.credentialKey : registry;
}

async function readConfig(environment: CredentialOptions["environment"]): Promise<DockerConfig | undefined> {
  const path = join(
    environment.DOCKER_CONFIG || join(environment.HOME || homedir(), ".docker"),
    "config.json",
  );
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw invalidConfig(path, error instanceof SyntaxError ? "is not JSON" : "cannot be read", error);
  }
  const result = v.safeParse(configSchema, json);
  if (!result.success) throw invalidConfig(path, "is not as Docker writes it");
  return result.output;
}

function invalidConfig(path: string, problem: string, cause?: unknown): Failure {
  // The parser's own message would quote the file, and with it a password; so it is not passed on.
  const isPrivate = cause instanceof SyntaxError;
  return new Failure({
    code: "DockerConfigInvalid",
    category: "environment",
    message: `${path} ${problem}`,
    hint: "mend the file, or set DOCKER_CONFIG to another folder",
    ...(cause === undefined || isPrivate ? {} : { cause }),
  });
}

function fromFile(config: DockerConfig, registry: string): Credential | undefined {
  const names = new Set(registry === dockerHub.name ? [dockerHub.name, dockerHub.legacyName] : [registry]);
  for (const [key, entry] of Object.entries(config.auths ?? {})) {
    // Keys are hosts, or addresses such as https://host/v1/.
    const host = key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    if (!names.has(host)) continue;
    if (entry.identitytoken) return { kind: "identity-token", token: entry.identitytoken };
    const decoded = entry.auth ? Buffer.from(entry.auth, "base64").toString("utf8").replace(/\0+$/, "") : "";
    const colon = decoded.indexOf(":");
    if (colon > 0) {
      return { kind: "password", username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
    }
    if (entry.username && entry.password) {
      return { kind: "password", username: entry.username, password: entry.password };
    }
  }
  return undefined;
}

/** Speaks the protocol of docker-credential-helpers: the server's name in, JSON out. */
async function askHelper(
  name: string,
  server: string,
  options: CredentialOptions,
): Promise<Credential | undefined> {
  const program = `docker-credential-${name}`;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) throw helperFailed(program, "its name is not one of a program");
  const { exitCode, output } = await runHelper(program, server, options);
  if (exitCode !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw helperFailed(program, `it ended with exit code ${exitCode}: ${output.trim().slice(0, 200)}`);
  }
  const result = v.safeParse(helperAnswerSchema, parseJson(output));
  if (!result.success) throw helperFailed(program, "its answer is not as the protocol has it");
  const { Username: username, Secret: secret } = result.output;
  if (username === "<token>") return { kind: "identity-token", token: secret };
  return username === "" && secret === "" ? undefined : { kind: "password", username, password: secret };
}

function runHelper(
  program: string,
  server: string,
  { environment, signal }: CredentialOptions,
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["get"], {
      env: environment,
      stdio: ["pipe", "pipe", "ignore"],
      timeout: helperTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    const chunks: Uint8Array[] = [];
    child.stdout.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    child.on("error", (error) => {
      if (signal?.aborted === true) reject(cancelled());
      else reject(helperFailed(program, error.message, error));
    });
    child.on("close", (exitCode) => resolve({ exitCode, output: Buffer.concat(chunks).toString("utf8") }));
    // A helper that ends without reading its input breaks the pipe; its exit tells the rest.
    child.stdin.on("error", (error) => {
      if (systemErrorCode(error) !== "EPIPE") reject(error);
    });
    child.stdin.end(`${server}\n`);
  });
}

function helperFailed(program: string, reason: string, cause?: unknown): Failure {
  return new Failure({
    code: "CredentialHelperFailed",
    category: "environment",
    message: `${program}, which Docker's config names for logins, failed: ${reason}`,
    hint: "install it or put it right, or take it out of Docker's config.json (credsStore, credHelpers)",
    ...(cause === undefined ? {} : { cause }),
  });
}
