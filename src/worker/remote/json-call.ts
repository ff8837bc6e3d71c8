import { Buffer } from "node:buffer";
import * as v from "valibot";
import { Failure } from "../../diagnostics/failure.ts";
import type { AnswerReader, OutgoingCall } from "./call-attempt.ts";
import type { Connection } from "./connection.ts";
import { parseBody } from "./parse-body.ts";
import { jsonType, sameVersionHint } from "./protocol.ts";
import { fromWireFailure, wireFailureSchema } from "./wire-failure.ts";

export interface JsonCall<Schema extends v.GenericSchema> extends Omit<OutgoingCall, "onAbort"> {
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly result: Schema;
  readonly onAbort?: OutgoingCall["onAbort"];
}

/** A call that is answered with one JSON value. @throws the worker's Failure */
export async function callForJson<Schema extends v.GenericSchema>(
  connection: Connection,
  { json, result, ...call }: JsonCall<Schema>,
  signal: AbortSignal,
): Promise<v.InferOutput<Schema>> {
  const encoded =
    json === undefined ? {} : { body: Buffer.from(JSON.stringify(json)), contentType: jsonType };
  const onAbort = call.onAbort ?? (call.isRepeatable === true ? "drop" : "wait");
  return await connection.call({ ...call, ...encoded, onAbort }, readEnvelope(result), signal);
}

export function readEnvelope<Schema extends v.GenericSchema>(
  result: Schema,
): AnswerReader<v.InferOutput<Schema>> {
  const envelope = v.union([v.object({ error: wireFailureSchema }), v.object({ result })]);
  return async (body) => {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    const answer = parseAnswer(Buffer.concat(chunks).toString("utf8"), envelope);
    if ("error" in answer) throw fromWireFailure(answer.error);
    return answer.result;
  };
}

/** @throws Failure `WorkerAnswerUnreadable` */
export function parseAnswer<Schema extends v.GenericSchema>(
  text: string,
  schema: Schema,
): v.InferOutput<Schema> {
  return parseBody(text, schema, unreadable);
}

function unreadable(detail: string): Failure {
  return new Failure({
    code: "WorkerAnswerUnreadable",
    category: "internal",
    message: `the worker's answer cannot be read: ${detail}`,
    hint: sameVersionHint,
  });
}
