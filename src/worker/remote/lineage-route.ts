import * as v from "valibot";
import type { ContentDigest } from "../../model/identifiers.ts";
import type { LineageOutcome, LineageRequest, Worker } from "../worker.ts";
import { EventWriter } from "./event-writer.ts";
import { type Exchange, readJson } from "./exchange.ts";
import { ndjsonType } from "./protocol.ts";
import { requestedContents } from "./requested-contents.ts";
import { lineageRequestSchema } from "./schemas.ts";
import type { PinnedContents, Spool } from "./spool.ts";

export interface LineageRouteOptions {
  readonly worker: Worker;
  readonly spool: Spool;
  readonly beatIntervalMs: number;
}

/**
 * Runs one lineage and answers with its events, one JSON value a line, the last one being the outcome or an error.
 * @throws Failure `MalformedRequest`, `ContentMissing` before anything is answered
 */
export async function serveLineage(exchange: Exchange, options: LineageRouteOptions): Promise<void> {
  const request = await readJson(exchange, v.object({ request: lineageRequestSchema }));
  const contents = options.spool.pin([...requestedContents(request.request.steps).keys()]);
  let outcome: LineageOutcome | undefined;
  try {
    outcome = await streamLineage(exchange, request.request, contents, options);
  } finally {
    // After a failed step the same files are likely to be asked for again soon.
    await contents.release({ used: outcome?.kind === "completed" });
  }
}

async function streamLineage(
  { response, call, explain }: Exchange,
  request: LineageRequest,
  contents: PinnedContents,
  { worker, beatIntervalMs }: LineageRouteOptions,
): Promise<LineageOutcome | undefined> {
  // Proxies that buffer answers would hold events back.
  response.writeHead(200, { "content-type": ndjsonType, "x-accel-buffering": "no" });
  response.flushHeaders();
  const writer = new EventWriter(response);
  const beat = setInterval(() => writer.beat(), beatIntervalMs);
  const client = {
    onEvent: writer.writeEvent.bind(writer),
    openContent: (digest: ContentDigest) => contents.open(digest),
  };
  try {
    const outcome = await worker.runLineage(request, client, call.signal);
    await writer.end({ outcome });
    return outcome;
  } catch (error) {
    await writer.end({ error: explain(error) });
    return undefined;
  } finally {
    clearInterval(beat);
  }
}
