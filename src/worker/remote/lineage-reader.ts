import { Buffer } from "node:buffer";
import { Failure } from "../../diagnostics/failure.ts";
import type { LineageEvent, LineageOutcome } from "../worker.ts";
import type { AnswerReader } from "./call-attempt.ts";
import { parseAnswer } from "./json-call.ts";
import { lineageLineSchema } from "./lineage-schemas.ts";
import { fromWireFailure } from "./wire-failure.ts";

const lineLimitBytes = 64 * 1024 * 1024;

/**
 * Reads a lineage's answer: events as they come, then its outcome or the worker's Failure. The JSON answer of a
 * server that refused the lineage before it began is such a line, too.
 */
export function readLineage(onEvent: (event: LineageEvent) => void): AnswerReader<LineageOutcome> {
  return async (body) => {
    let outcome: LineageOutcome | undefined;
    let failure: Failure | undefined;
    for await (const text of lines(body)) {
      const line = parseAnswer(text, lineageLineSchema);
      if ("event" in line) onEvent(line.event);
      else if ("outcome" in line) outcome = line.outcome;
      else if ("error" in line) failure = fromWireFailure(line.error);
    }
    if (failure !== undefined) throw failure;
    if (outcome !== undefined) return outcome;
    throw new Failure({
      code: "WorkerConnectionLost",
      category: "environment",
      message: "the worker's answer ended before the steps did",
      hint: "layers that were sealed are kept: check that the worker runs, and run the bake again",
    });
  };
}

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let partBytes = 0;
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, end));
      yield Buffer.concat(parts).toString("utf8");
      parts = [];
      partBytes = 0;
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    if (rest.length === 0) continue;
    parts.push(rest);
    partBytes += rest.length;
    if (partBytes > lineLimitBytes)
      throw new Error(`the worker sent a line of more than ${lineLimitBytes} bytes`);
  }
}
