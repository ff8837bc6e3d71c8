import { Failure } from "../../diagnostics/failure.ts";
import { cancelled } from "../image-failures.ts";
import { isLoopbackRegistry } from "../reference.ts";
import { registryUnreachable } from "./failures.ts";
import { networkCause, refusedPort, TransientError } from "./retry.ts";

export interface RegistryRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the origin of `url` only, never to where it redirects. */
  readonly authorization: string | null;
  /** A form to post; without one it is a GET. */
  readonly form?: URLSearchParams;
  /** The registry that the request is for, in messages. */
  readonly registry: string;
  readonly silenceMs: number;
  readonly signal: AbortSignal | undefined;
  /** Called when an answer begins, whatever it is. */
  readonly onAnswer?: () => void;
}

/** An answer whose body is still to be read, with a watch on silence. */
export interface RegistryAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** @throws TransientError, Failure `Cancelled` when the transfer breaks or falls silent */
  chunks(): AsyncGenerator<Uint8Array>;
  /** Lets go of a body that nobody wants. */
  discard(): Promise<void>;
}

const maximumRedirects = 5;

/**
 * One request, redirects followed. Answers that call for another attempt (429, 5xx) are thrown as
 * {@link TransientError}; all other statuses are the caller's to judge.
 * @throws TransientError, Failure `RegistryUnreachable`, `Cancelled`
 */
export async function sendRequest(request: RegistryRequest): Promise<RegistryAnswer> {
  let { url } = request;
  for (let redirects = 0; redirects <= maximumRedirects; redirects += 1) {
    const answer = await sendOnce({ ...request, url }, url.origin === request.url.origin);
    const location = answer.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === null) {
      return judge(answer);
    }
    await answer.discard();
    url = redirectTarget(url, location, request.registry);
  }
  throw registryUnreachable(request.registry, "it redirects in a circle");
}

function redirectTarget(from: URL, location: string, registry: string): URL {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (to === undefined || !mayFollow(from, to)) {
    throw registryUnreachable(
      registry,
      `it redirects to an address that is not safe: ${to?.origin ?? location}`,
    );
  }
  return to;
}

/** Encrypted stays encrypted; plain HTTP stays on this computer. */
export function mayFollow(from: URL, to: URL): boolean {
  if (to.protocol === "https:") return true;
  return to.protocol === "http:" && from.protocol === "http:" && isLoopbackRegistry(to.host);
}

async function judge(answer: RegistryAnswer): Promise<RegistryAnswer> {
  const { status } = answer;
  if (status !== 429 && (status < 500 || status === 501)) return answer;
  await answer.discard();
  const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
  throw new TransientError(`it answers with status ${status}`, {
    retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null,
  });
}

async function sendOnce(request: RegistryRequest, withAuthorization: boolean): Promise<RegistryAnswer> {
  const { signal, silenceMs, registry } = request;
  const watch = new SilenceWatch(silenceMs, signal);
  try {
    const response = await fetch(request.url, {
      method: request.form === undefined ? "GET" : "POST",
      body: request.form ?? null,
      // Blobs are hashed as they are stored: nothing on the way may compress them.
      headers: {
        "accept-encoding": "identity",
        ...request.headers,
        ...(withAuthorization && request.authorization !== null
          ? { authorization: request.authorization }
          : {}),
      },
      redirect: "manual",
      signal: watch.signal,
    });
    request.onAnswer?.();
    return {
      status: response.status,
      headers: response.headers,
      chunks: () => readChunks(response, watch, signal),
      discard: async () => {
        watch.stop();
        await response.body?.cancel();
      },
    };
  } catch (error) {
    watch.stop();
    throw explain(error, registry, signal);
  }
}

async function* readChunks(
  response: Response,
  watch: SilenceWatch,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) {
      watch.heard();
      yield chunk;
    }
  } catch (error) {
    if (signal?.aborted === true) throw cancelled();
    // A reader that fails throws its own errors through here.
    if (error instanceof Failure || error instanceof TransientError) throw error;
    throw new TransientError(`the transfer broke: ${networkCause(error).message}`, { cause: error });
  } finally {
    watch.stop();
  }
}

function explain(error: unknown, registry: string, signal: AbortSignal | undefined): Error {
  if (signal?.aborted === true) return cancelled();
  const { message, isTransient } = networkCause(error);
  if (message === refusedPort) {
    return registryUnreachable(
      registry,
      "HTTP clients refuse to open its port, which belongs to another service",
      {
        cause: error,
        hint: "let the registry listen on another port, such as 5000",
      },
    );
  }
  return isTransient
    ? new TransientError(message, { cause: error })
    : registryUnreachable(registry, message, { cause: error });
}

/** Aborts a request when nothing has been heard for a while. */
class SilenceWatch {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(silenceMs: number, outer: AbortSignal | undefined) {
    const controller = new AbortController();
    this.signal = outer === undefined ? controller.signal : AbortSignal.any([outer, controller.signal]);
    this.#timer = setTimeout(
      () => controller.abort(new Error(`silent for ${silenceMs / 1000} s`)),
      silenceMs,
    );
    this.#timer.unref();
  }

  heard(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
