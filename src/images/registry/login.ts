import * as v from "valibot";
import { parseJson } from "../../model/parse-json.ts";
import type { RegistryReference } from "../reference.ts";
import { type Credential, findCredential } from "./docker-credentials.ts";
import { loginRequired, registryRefused } from "./failures.ts";
import { mayFollow, type RegistryAnswer, type RegistryRequest, sendRequest } from "./request.ts";

/** One demand of a `WWW-Authenticate` header (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower-case, e.g. `bearer`. */
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const tokenSchema = v.object({ token: v.nullish(v.string()), access_token: v.nullish(v.string()) });
const maximumTokenBytes = 1024 * 1024;

/** Reads the challenges of a header; what cannot be understood is left out. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const pattern = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?\s*,?\s*/gy;
  for (const [, name = "", quoted, plain] of header.matchAll(pattern)) {
    const value = quoted?.replace(/\\(.)/g, "$1") ?? plain;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    else challenges.at(-1)?.parameters.set(name.toLowerCase(), value);
  }
  return challenges;
}

export interface LoginOptions {
  readonly reference: RegistryReference;
  /** Where the registry is; what decides which addresses may see the credentials. */
  readonly origin: URL;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly silenceMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Answers a registry's challenge: HTTP Basic, or the token protocol of the distribution project (bearer tokens from the
 * realm that the registry names, OAuth2 where Docker's config holds an identity token).
 */
export class RegistryLogin {
  readonly #options: LoginOptions;
  #credential: Promise<Credential | undefined> | undefined;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /**
   * The Authorization header that the registry asks for.
   * @throws Failure `RegistryLoginRequired`, `DockerConfigInvalid`, `CredentialHelperFailed`, `RegistryRefused`, …
   */
  async authorize(header: string | null): Promise<string> {
    const challenges = parseChallenges(header ?? "");
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) return `Bearer ${await this.#fetchToken(bearer)}`;
    const credential = await this.credential();
    if (challenges.some(({ scheme }) => scheme === "basic") && credential?.kind === "password") {
      return basic(credential.username, credential.password);
    }
    throw loginRequired(this.#options.reference, credential !== undefined, "");
  }

  credential(): Promise<Credential | undefined> {
    const { reference, environment, signal } = this.#options;
    this.#credential ??= findCredential(reference.registry, { environment, signal });
    return this.#credential;
  }

  async #fetchToken(challenge: Challenge): Promise<string> {
    const { reference, origin } = this.#options;
    const realmText = challenge.parameters.get("realm") ?? "";
    const realm = URL.canParse(realmText) ? new URL(realmText) : undefined;
    if (realm === undefined || !mayFollow(origin, realm)) {
      throw registryRefused(
        reference.registry,
        "a token",
        `it sends its users to ${JSON.stringify(realmText)}`,
      );
    }
    const credential = await this.credential();
    const answer = await sendRequest(this.#tokenRequest(realm, challenge, credential));
    if (answer.status !== 200) {
      await answer.discard();
      if (answer.status < 500 && answer.status !== 404) {
        throw loginRequired(reference, credential !== undefined, "");
      }
      throw registryRefused(
        reference.registry,
        "a token",
        `${realm.host} answers with status ${answer.status}`,
      );
    }
    return readToken(answer, reference.registry);
  }

  #tokenRequest(realm: URL, challenge: Challenge, credential: Credential | undefined): RegistryRequest {
    const { reference, silenceMs, signal } = this.#options;
    const query = new URLSearchParams();
    const service = challenge.parameters.get("service");
    if (service !== undefined) query.set("service", service);
    query.set("scope", `repository:${reference.repository}:pull`);
    const common = { headers: {}, registry: reference.registry, silenceMs, signal };
    if (credential?.kind === "identity-token") {
      query.set("grant_type", "refresh_token");
      query.set("refresh_token", credential.token);
      query.set("client_id", "lightbox");
      return { ...common, url: realm, authorization: null, form: query };
    }
    const url = new URL(realm);
    for (const [name, value] of query) url.searchParams.set(name, value);
    if (credential === undefined) return { ...common, url, authorization: null };
    url.searchParams.set("account", credential.username);
    return { ...common, url, authorization: basic(credential.username, credential.password) };
  }
}

async function readToken(answer: RegistryAnswer, registry: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer.chunks()) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maximumTokenBytes) break;
    chunks.push(chunk);
  }
  const result = v.safeParse(tokenSchema, parseJson(Buffer.concat(chunks).toString("utf8")));
  const token = result.success ? result.output.token || result.output.access_token : undefined;
  if (token) return token;
  throw registryRefused(registry, "a token", "its token service answers with something else");
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
