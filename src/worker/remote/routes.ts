import * as v from "valibot";
import { Failure } from "../../diagnostics/failure.ts";
import { isContentDigest, isLayerKey, type LayerKey } from "../../model/identifiers.ts";
import type { Worker } from "../worker.ts";
import { bodyOf, type Exchange, readJson } from "./exchange.ts";
import { readImageStream } from "./image-stream.ts";
import { sameVersionHint } from "./protocol.ts";
import { list } from "./schema-parts.ts";
import {
  contentDigestSchema,
  launchRequestSchema,
  layerKeySchema,
  pruneRequestSchema,
  publishRequestSchema,
  sha256Schema,
  volumeRequestSchema,
} from "./schemas.ts";
import type { Spool } from "./spool.ts";

export interface JsonRoute {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** Its value is the JSON result. */
  serve(exchange: Exchange): Promise<unknown>;
}

const digestsBody = v.object({ digests: list(sha256Schema) });
const missingBody = v.object({ lease: v.string(), digests: list(contentDigestSchema) });
const keysBody = v.object({ keys: list(layerKeySchema) });

/** Every call that answers with one JSON value; lineages and exec have their own form. */
export function jsonRoutes(worker: Worker, spool: Spool): readonly JsonRoute[] {
  return [
    ...storeRoutes(worker),
    ...contentRoutes(spool),
    ...snapshotRoutes(worker),
    ...volumeRoutes(worker),
    ...sandboxRoutes(worker),
    { method: "GET", path: "/worker", serve: ({ call }) => worker.describe(call.signal) },
  ];
}

function storeRoutes(worker: Worker): readonly JsonRoute[] {
  return [
    {
      method: "POST",
      path: "/images/find",
      serve: async (exchange) => {
        const { digests } = await readJson(exchange, digestsBody);
        return [...(await worker.findImages(digests, exchange.call.signal))];
      },
    },
    {
      method: "POST",
      path: "/images/import",
      serve: async ({ request, call }) => {
        const { image, layout } = await readImageStream(bodyOf(request, call));
        await worker.importImage(image, layout, call.signal);
      },
    },
    {
      method: "POST",
      path: "/layers/find",
      serve: async (exchange) => {
        const { keys } = await readJson(exchange, keysBody);
        return [...(await worker.findLayers(keys, exchange.call.signal)).values()];
      },
    },
    {
      method: "GET",
      path: "/layers/:key/log",
      serve: (exchange) => worker.readLog(layerKeyOf(exchange), exchange.call.signal),
    },
    {
      method: "POST",
      path: "/debug-layers/find",
      serve: async (exchange) => {
        const { keys } = await readJson(exchange, keysBody);
        return await worker.findDebugLayer(keys, exchange.call.signal);
      },
    },
    {
      method: "POST",
      path: "/prune",
      serve: async (exchange) =>
        await worker.prune(await readJson(exchange, pruneRequestSchema), exchange.call.signal),
    },
  ];
}

function contentRoutes(spool: Spool): readonly JsonRoute[] {
  return [
    {
      method: "POST",
      path: "/blobs/missing",
      serve: async (exchange) => {
        const { lease, digests } = await readJson(exchange, missingBody);
        return spool.missing(digests, lease);
      },
    },
    {
      method: "POST",
      path: "/blobs",
      serve: ({ request, call }) => spool.receiveBundle(bodyOf(request, call)),
    },
    {
      method: "PUT",
      path: "/blobs/:digest",
      serve: async ({ request, call, parameter }) => {
        const digest = parameter("digest");
        if (!isContentDigest(digest)) throw badParameter("content digest", digest);
        await spool.receiveOne(digest, bodyOf(request, call));
      },
    },
  ];
}

function snapshotRoutes(worker: Worker): readonly JsonRoute[] {
  return [
    {
      method: "POST",
      path: "/snapshots",
      serve: async (exchange) =>
        await worker.publishSnapshot(await readJson(exchange, publishRequestSchema), exchange.call.signal),
    },
    { method: "GET", path: "/snapshots", serve: ({ call }) => worker.listSnapshots(call.signal) },
    {
      method: "GET",
      path: "/snapshots/:name",
      serve: ({ call, parameter }) => worker.inspectSnapshot(parameter("name"), call.signal),
    },
    {
      method: "DELETE",
      path: "/snapshots/:name",
      serve: ({ call, parameter }) => worker.removeSnapshot(parameter("name"), call.signal),
    },
  ];
}

function volumeRoutes(worker: Worker): readonly JsonRoute[] {
  return [
    {
      method: "POST",
      path: "/volumes",
      serve: async (exchange) =>
        await worker.ensureVolume(await readJson(exchange, volumeRequestSchema), exchange.call.signal),
    },
    { method: "GET", path: "/volumes", serve: ({ call }) => worker.listVolumes(call.signal) },
    {
      method: "DELETE",
      path: "/volumes/:name",
      serve: ({ call, parameter }) => worker.removeVolume(parameter("name"), call.signal),
    },
  ];
}

function sandboxRoutes(worker: Worker): readonly JsonRoute[] {
  return [
    {
      method: "POST",
      path: "/sandboxes",
      serve: async (exchange) =>
        await worker.launchSandbox(await readJson(exchange, launchRequestSchema), exchange.call.signal),
    },
    { method: "GET", path: "/sandboxes", serve: ({ call }) => worker.listSandboxes(call.signal) },
    {
      method: "POST",
      path: "/sandboxes/:name/stop",
      serve: ({ call, parameter }) => worker.stopSandbox(parameter("name"), call.signal),
    },
    {
      method: "DELETE",
      path: "/sandboxes/:name",
      serve: ({ call, parameter, query }) =>
        worker.removeSandbox(parameter("name"), { force: query.get("force") === "true" }, call.signal),
    },
  ];
}

function layerKeyOf({ parameter }: Exchange): LayerKey {
  const key = parameter("key");
  if (!isLayerKey(key)) throw badParameter("layer key", key);
  return key;
}

function badParameter(kind: string, text: string): Failure {
  return new Failure({
    code: "MalformedRequest",
    category: "internal",
    message: `${JSON.stringify(text)} is not a ${kind}`,
    hint: sameVersionHint,
  });
}
