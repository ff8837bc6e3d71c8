import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type * as v from "valibot";
import { Failure } from "../../diagnostics/failure.ts";
import { type Call, clientVanished } from "./calls.ts";
import { parseBody } from "./parse-body.ts";
import { jsonLimitBytes, jsonType, sameVersionHint } from "./protocol.ts";
import { httpStatusOf, toWireFailure, type WireFailure } from "./wire-failure.ts";

/** One request that has been let in, with its response and the call that it is. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly call: Call;
  /** A part of the path, decoded. */
  parameter(name: string): string;
  readonly query: URLSearchParams;
  /** What the client is told about an error; bugs are reported to the server's owner, too. */
  explain(error: unknown): WireFailure;
}

/** @throws Failure `MalformedRequest` when the body is not JSON of the schema */
export async function readJson<Schema extends v.GenericSchema>(
  { request, call }: Pick<Exchange, "request" | "call">,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of bodyOf(request, call)) {
    sizeBytes += chunk.length;
    if (sizeBytes > jsonLimitBytes) throw malformed(`more than ${jsonLimitBytes} bytes of JSON`);
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks).toString("utf8"), schema);
}

/** @throws Failure `MalformedRequest` */
export function parseJson<Schema extends v.GenericSchema>(
  text: string,
  schema: Schema,
): v.InferOutput<Schema> {
  return parseBody(text, schema, malformed);
}

/** The body as it arrives; every piece is a sign of life, and the call's end is the body's end. */
export async function* bodyOf(request: IncomingMessage, call: Call): AsyncGenerator<Buffer> {
  const stop = () => request.destroy(call.signal.reason);
  call.signal.throwIfAborted();
  call.signal.addEventListener("abort", stop, { once: true });
  try {
    // Not destroyed when the reader stops early: the refusal still has to go out on the same socket.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      call.heard();
      yield chunk;
    }
  } catch (error) {
    throw error instanceof Failure ? error : clientVanished();
  } finally {
    call.signal.removeEventListener("abort", stop);
  }
}

/** What the client is told about an error, given that the server may have caused it by closing. */
export function explainError(
  error: unknown,
  signal: AbortSignal,
  onInternalError?: (error: unknown) => void,
): WireFailure {
  const { reason } = signal;
  if (signal.aborted && reason instanceof Failure && reason.category !== "cancelled") {
    return toWireFailure(reason);
  }
  if (!(error instanceof Failure)) onInternalError?.(error);
  return toWireFailure(error);
}

export function sendFailure(response: ServerResponse, wire: WireFailure): void {
  if (response.destroyed) return;
  if (response.headersSent) {
    // Too late to say it in words: a broken answer is at least not taken for a whole one.
    response.destroy();
    return;
  }
  response.writeHead(httpStatusOf(wire), { "content-type": jsonType });
  response.end(`${JSON.stringify({ error: wire })}\n`);
}

/**
 * Answers with `{"result": …}` or `{"error": …}`. An answer that takes long begins early, with status 200 and
 * blanks as signs of life, which JSON allows before a value.
 */
export async function answerJson(
  { response, explain }: Exchange,
  beatIntervalMs: number,
  work: () => Promise<unknown>,
): Promise<void> {
  const beat = setInterval(() => {
    if (response.destroyed) return;
    if (!response.headersSent) response.writeHead(200, { "content-type": jsonType });
    response.write(" ");
  }, beatIntervalMs);
  try {
    const result = await work();
    if (response.destroyed) return;
    if (!response.headersSent) response.writeHead(200, { "content-type": jsonType });
    response.end(`${JSON.stringify({ result: result ?? null })}\n`);
  } catch (error) {
    const wire = explain(error);
    if (response.headersSent && !response.destroyed) response.end(`${JSON.stringify({ error: wire })}\n`);
    else sendFailure(response, wire);
  } finally {
    clearInterval(beat);
  }
}

function malformed(detail: string): Failure {
  return new Failure({
    code: "MalformedRequest",
    category: "internal",
    message: `the worker cannot read the request: ${detail}`,
    hint: sameVersionHint,
  });
}
