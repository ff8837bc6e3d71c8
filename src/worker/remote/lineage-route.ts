import { Buffer } from "node:buffer";
import * as v from "valibot";
import type { ContentDigest } from "../../model/identifiers.ts";
import type { LineageClient, LineageRequest, Worker } from "../worker.ts";
import type { AgentLinks } from "./agent-links.ts";
import { EventWriter } from "./event-writer.ts";
import { type Exchange, readJson } from "./exchange.ts";
import { type LineageLine, lineageRequestSchema } from "./lineage-schemas.ts";
import { ndjsonType } from "./protocol.ts";
import { requestedContents } from "./requested-contents.ts";
import { secretTextLimit } from "./requested-secrets.ts";
import { list } from "./schema-parts.ts";
import type { Spool } from "./spool.ts";

export interface LineageRouteOptions {
  readonly worker: Worker;
  readonly spool: Spool;
  readonly agentLinks: AgentLinks;
  readonly beatIntervalMs: number;
}

const bodySchema = v.object({
  lease: v.string(),
  request: lineageRequestSchema,
  /** By id, in base64; in memory alone. */
  secrets: v.optional(v.record(v.string(), v.pipe(v.string(), v.base64(), v.maxLength(secretTextLimit))), {}),
  /** Ids of ssh agents that the client lends, over the connection of the lease. */
  agents: v.optional(list(v.string()), []),
});

/**
 * Runs one lineage and answers with its events, one JSON value a line, the last one being the outcome or an error.
 * @throws Failure `MalformedRequest`, `ContentMissing` before anything is answered
 */
export async function serveLineage(exchange: Exchange, options: LineageRouteOptions): Promise<void> {
  const { lease, request, secrets, agents } = await readJson(exchange, bodySchema);
  const contents = options.spool.pin([...requestedContents(request.steps).keys()], lease);
  // Proxies that buffer answers would hold events back.
  exchange.response.writeHead(200, { "content-type": ndjsonType, "x-accel-buffering": "no" });
  exchange.response.flushHeaders();
  const writer = new EventWriter(exchange.response);
  const beat = setInterval(() => writer.beat(), options.beatIntervalMs);
  const client = {
    onEvent: writer.writeEvent.bind(writer),
    openContent: (digest: ContentDigest) => contents.open(digest),
    readContent: (digest: ContentDigest) => contents.read(digest),
    readSecret: async (id: string) => {
      const value = Object.hasOwn(secrets, id) ? secrets[id] : undefined;
      return value === undefined ? null : Buffer.from(value, "base64");
    },
    sshAgents: options.agentLinks.agentsOf(lease, agents),
  };
  try {
    const last = await runToLastLine(exchange, options.worker, request, client);
    // After a failed step the same files are likely to be asked for again soon.
    await contents.release({ used: "outcome" in last && last.outcome.kind === "completed" });
    await writer.end(last);
  } finally {
    clearInterval(beat);
  }
}

async function runToLastLine(
  { call, explain }: Exchange,
  worker: Worker,
  request: LineageRequest,
  client: LineageClient,
): Promise<LineageLine> {
  try {
    return { outcome: await worker.runLineage(request, client, call.signal) };
  } catch (error) {
    return { error: explain(error) };
  }
}
