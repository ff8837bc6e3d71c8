import type { Failure } from "../../diagnostics/failure.ts";
import { isSha256Digest, type Sha256Digest } from "../../model/identifiers.ts";
import type { ContentStore } from "../content-store.ts";
import { useEnvironmentProxies } from "../environment-proxies.ts";
import { imageCorrupt, imageNotFound } from "../image-failures.ts";
import { maximumManifestBytes, mediaTypes } from "../manifest.ts";
import { dockerHub, isLoopbackRegistry, type RegistryReference, registryOrigin } from "../reference.ts";
import { type BlobIdentity, digestOf, type StagedBlob } from "../staged-blob.ts";
import { loginRequired, registryRefused, registryUnreachable } from "./failures.ts";
import { RegistryLogin } from "./login.ts";
import type { RegistryOptions } from "./options.ts";
import { type RegistryAnswer, sendRequest } from "./request.ts";
import { type RetryPolicy, TransientError, waitBeforeRetry } from "./retry.ts";

const manifestTypes = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerIndex,
  mediaTypes.dockerManifest,
].join(", ");

/** Reads one repository through the API of the OCI distribution specification 1.1. */
export class RegistryClient {
  readonly #reference: RegistryReference;
  readonly #origin: URL;
  readonly #login: RegistryLogin;
  readonly #signal: AbortSignal | undefined;
  readonly #silenceMs: number;
  readonly #retry: RetryPolicy;
  readonly #firstAnswerMs: number;
  readonly #startedAt = performance.now();
  #hasAnswered = false;
  #authorization: string | null = null;

  constructor(reference: RegistryReference, options: RegistryOptions, signal: AbortSignal | undefined) {
    const environment = options.environment ?? process.env;
    this.#reference = reference;
    this.#origin = registryOrigin(reference.registry);
    this.#signal = signal;
    this.#silenceMs = options.silenceMs ?? 60_000;
    this.#firstAnswerMs = options.firstAnswerMs ?? 15_000;
    this.#retry = {
      attempts: options.attempts ?? 5,
      firstDelayMs: options.firstDelayMs ?? 250,
      onWait: (reason, waitMs) => options.onRetry?.({ registry: reference.registry, reason, waitMs }),
    };
    this.#login = new RegistryLogin({
      reference,
      origin: this.#origin,
      environment,
      silenceMs: Math.min(this.#silenceMs, this.#firstAnswerMs),
      signal,
    });
    if (!isLoopbackRegistry(reference.registry)) useEnvironmentProxies();
  }

  /**
   * A manifest or index by tag or digest, at most {@link maximumManifestBytes}.
   * @throws Failure `ImageNotFound`, `ImageCorrupt`, `RegistryLoginRequired`, `RegistryUnreachable`, `RegistryRefused`, `Cancelled`
   */
  async fetchManifest(
    selector: string,
  ): Promise<{ readonly bytes: Uint8Array; readonly digest: Sha256Digest }> {
    return this.#retrying(async () => {
      const answer = await this.#get(`manifests/${selector}`, { accept: manifestTypes });
      if (answer.status !== 200) throw await this.#refusal(answer, () => this.#notFound(selector));
      const bytes = await readAll(answer, maximumManifestBytes, this.#what);
      const digest = digestOf(bytes);
      const announced = isSha256Digest(selector) ? selector : answer.headers.get("docker-content-digest");
      if (announced?.startsWith("sha256:") === true && announced !== digest) {
        throw imageCorrupt(this.#what, `the registry sends another manifest than ${announced}`);
      }
      return { bytes, digest };
    });
  }

  /**
   * Brings a blob into the store, resuming where the transfer broke.
   * @throws Failure `ImageCorrupt`, `RegistryLoginRequired`, `RegistryUnreachable`, `RegistryRefused`, `NoSpaceLeft`, `Cancelled`
   */
  async fetchBlob(
    blob: BlobIdentity,
    store: ContentStore,
    onProgress: (doneBytes: number) => void,
  ): Promise<void> {
    await using staged = await store.stage();
    for (let failures = 0; staged.sizeBytes < blob.sizeBytes || failures === 0; ) {
      const before = staged.sizeBytes;
      try {
        await this.#transfer(blob, staged, onProgress);
        break;
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        // As long as something arrives, it goes on.
        failures = staged.sizeBytes > before ? 1 : failures + 1;
        if (this.#isHopeless(failures)) throw this.#unreachable(error);
        await waitBeforeRetry(failures, error, this.#retry, this.#signal);
      }
    }
    const { digest, sizeBytes } = await staged.seal();
    if (digest !== blob.digest || sizeBytes !== blob.sizeBytes) {
      throw imageCorrupt(this.#what, `the registry sends another content for blob ${blob.digest}`);
    }
    await staged.keep();
  }

  async #transfer(
    blob: BlobIdentity,
    staged: StagedBlob,
    onProgress: (doneBytes: number) => void,
  ): Promise<void> {
    const start = staged.sizeBytes;
    const answer = await this.#get(`blobs/${blob.digest}`, start === 0 ? {} : { range: `bytes=${start}-` });
    const isRest =
      answer.status === 206 && answer.headers.get("content-range")?.startsWith(`bytes ${start}-`) === true;
    if (!isRest) {
      if (answer.status === 206 || answer.status === 416) {
        await answer.discard();
        await staged.restart();
        throw new TransientError("it does not resume a transfer where asked to");
      }
      if (answer.status !== 200) {
        throw await this.#refusal(answer, () =>
          imageCorrupt(this.#what, `the registry lacks its blob ${blob.digest}`),
        );
      }
      await staged.restart();
    }
    for await (const chunk of answer.chunks()) {
      if (staged.sizeBytes + chunk.byteLength > blob.sizeBytes) {
        throw imageCorrupt(this.#what, `blob ${blob.digest} is larger than its manifest says`);
      }
      await staged.write(chunk);
      onProgress(staged.sizeBytes);
    }
    if (staged.sizeBytes < blob.sizeBytes) throw new TransientError("the transfer ended too early");
  }

  /** One request, with a login when the registry asks for one. */
  async #get(path: string, headers: Readonly<Record<string, string>>): Promise<RegistryAnswer> {
    const { registry, repository } = this.#reference;
    const url = new URL(`/v2/${repository}/${path}`, this.#origin);
    const request = {
      url,
      headers,
      registry,
      signal: this.#signal,
      onAnswer: () => {
        this.#hasAnswered = true;
      },
    };
    const silenceMs = this.#hasAnswered
      ? this.#silenceMs
      : Math.min(this.#silenceMs, Math.max(1, this.#firstAnswerLeftMs));
    const answer = await sendRequest({ ...request, silenceMs, authorization: this.#authorization });
    if (answer.status !== 401) return answer;
    await answer.discard();
    this.#authorization = await this.#login.authorize(answer.headers.get("www-authenticate"));
    return sendRequest({ ...request, silenceMs: this.#silenceMs, authorization: this.#authorization });
  }

  async #refusal(answer: RegistryAnswer, notFound: () => Failure): Promise<Failure> {
    const { registry } = this.#reference;
    if (answer.status === 404) {
      await answer.discard();
      return notFound();
    }
    const detail = await readErrorMessage(answer);
    if (answer.status === 401 || answer.status === 403) {
      const hadCredentials = (await this.#login.credential()) !== undefined;
      return loginRequired(this.#reference, hadCredentials, detail === "" ? "" : ` (${detail})`);
    }
    return registryRefused(registry, this.#what, detail === "" ? `status ${answer.status}` : detail);
  }

  #notFound(selector: string): Failure {
    const { registry, repository, written } = this.#reference;
    const looksLikeFile = /\.(?:tar|tgz|gz|oci)$/.test(repository);
    const where =
      registry === dockerHub.name ? `${repository} on ${dockerHub.name}` : `${registry}/${repository}`;
    const hint = looksLikeFile
      ? `if it is a file, write ./${written}`
      : `there is no ${selector} of ${where}: check the name and the tag`;
    return imageNotFound(written, hint);
  }

  async #retrying<Value>(attempt: () => Promise<Value>): Promise<Value> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        if (this.#isHopeless(failures)) throw this.#unreachable(error);
        await waitBeforeRetry(failures, error, this.#retry, this.#signal);
      }
    }
  }

  /** Nobody waits long for a registry that has never said anything. */
  #isHopeless(failures: number): boolean {
    return failures >= this.#retry.attempts || (!this.#hasAnswered && this.#firstAnswerLeftMs <= 0);
  }

  get #firstAnswerLeftMs(): number {
    return this.#firstAnswerMs - (performance.now() - this.#startedAt);
  }

  #unreachable(error: TransientError): Failure {
    return registryUnreachable(this.#reference.registry, error.message, { cause: error });
  }

  get #what(): string {
    return `image ${this.#reference.written}`;
  }
}

async function readAll(answer: RegistryAnswer, maximumBytes: number, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer.chunks()) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maximumBytes) throw imageCorrupt(what, "its manifest is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The registry's own words, when it answers as the specification says; short, and without control characters. */
async function readErrorMessage(answer: RegistryAnswer): Promise<string> {
  const text = new TextDecoder().decode(await readAll(answer, 64 * 1024, "an error message"));
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.){1,200})/.exec(text)?.[1] ?? "";
  return message.replace(/[^\x20-\x7e]/g, "");
}
