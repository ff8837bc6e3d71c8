import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { downloadFailed, TransientAnswer } from "./download-failures.ts";

export interface HttpRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** An answer whose body is still to be read. Dispose it: a body that nobody wants is let go of. */
export interface HttpAnswer extends AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  /** @throws TransientAnswer when the transfer breaks or falls silent */
  chunks(): AsyncGenerator<Uint8Array>;
}

const mostRedirects = 10;

/**
 * One GET, redirects followed. Statuses that call for another attempt are thrown; all others are the caller's to judge.
 * @throws TransientAnswer, Failure `DownloadFailed`; the signal's reason when aborted
 */
export async function sendGet(request: HttpRequest): Promise<HttpAnswer> {
  let { url } = request;
  for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
    const answer = await sendOnce({ ...request, url });
    const location = answer.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === null) return judged(answer);
    await answer[Symbol.asyncDispose]();
    url = target(url, location);
  }
  throw downloadFailed(request.url.href, new Error("it redirects in a circle"));
}

/** What is encrypted stays so. */
function target(from: URL, location: string): URL {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined;
  const isSafe = to?.protocol === "https:" || (to?.protocol === "http:" && from.protocol === "http:");
  if (to !== undefined && isSafe) return to;
  throw downloadFailed(from.href, new Error(`it redirects to an address that is not safe: ${location}`));
}

async function judged(answer: HttpAnswer): Promise<HttpAnswer> {
  const { status } = answer;
  if (status !== 408 && status !== 429 && (status < 500 || status === 501)) return answer;
  await answer[Symbol.asyncDispose]();
  throw new TransientAnswer(`the server answers with status ${status}`);
}

async function sendOnce({ url, headers, silenceMs, signal }: HttpRequest): Promise<HttpAnswer> {
  const silence = new AbortController();
  const watch = setTimeout(() => silence.abort(new Error(`silent for ${silenceMs / 1000} s`)), silenceMs);
  watch.unref();
  try {
    const response = await fetch(url, {
      // The bytes are hashed as they are stored: nothing on the way may compress them.
      headers: { "accept-encoding": "identity", "user-agent": "lightbox", ...headers },
      redirect: "manual",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    return {
      status: response.status,
      headers: response.headers,
      async *chunks() {
        try {
          for await (const chunk of response.body ?? []) {
            watch.refresh();
            yield chunk;
          }
        } catch (error) {
          signal.throwIfAborted();
          // Whoever reads throws errors of its own through here.
          if (error instanceof Failure) throw error;
          throw new TransientAnswer(`the transfer broke: ${causeOf(error).message}`, error);
        }
      },
      async [Symbol.asyncDispose]() {
        clearTimeout(watch);
        // A body that was read to its end, or broke, has nothing left to let go of.
        if (response.body !== null && !response.body.locked)
          await response.body.cancel().catch(() => undefined);
      },
    };
  } catch (error) {
    clearTimeout(watch);
    signal.throwIfAborted();
    const { message, isLasting } = causeOf(error);
    if (isLasting) throw downloadFailed(url.href, new Error(message, { cause: error }));
    throw new TransientAnswer(message, error);
  }
}

/** Codes that will be the same the next time. */
const lasting = new Set(["ENOTFOUND", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"]);

/** The error behind fetch's "fetch failed". */
function causeOf(error: unknown): { readonly message: string; readonly isLasting: boolean } {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  // Several addresses were tried: they fail alike.
  if (current instanceof AggregateError) current = current.errors[0];
  const code = systemErrorCode(current) ?? "";
  const message =
    current instanceof Error && current.message !== "" ? current.message : code || String(current);
  const isCertificate = code.startsWith("ERR_TLS") || /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);
  return { message, isLasting: lasting.has(code) || isCertificate };
}
