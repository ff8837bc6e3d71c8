import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import * as v from "valibot";
import type { BaseImage } from "../../model/base-image.ts";
import type { LayerKey, Sha256Digest } from "../../model/identifiers.ts";
import type {
  DebugLayer,
  ExecExit,
  ExecRequest,
  ExecStreams,
  LaunchRequest,
  LayerSummary,
  LineageClient,
  LineageOutcome,
  LineageRequest,
  PruneReport,
  PruneRequest,
  PublishRequest,
  SandboxDescription,
  SnapshotDescription,
  SnapshotInspection,
  VolumeDescription,
  VolumeRequest,
  Worker,
  WorkerDescription,
} from "../worker.ts";
import type { Connection } from "./connection.ts";
import { writeImageStream } from "./image-stream.ts";
import { callForJson, type JsonCall } from "./json-call.ts";
import { readLineage } from "./lineage-reader.ts";
import { bytesType, jsonType } from "./protocol.ts";
import { requestedAgents } from "./requested-agents.ts";
import { requestedContents } from "./requested-contents.ts";
import { requestedSecrets } from "./requested-secrets.ts";
import {
  debugLayerSchema,
  descriptionSchema,
  layerSummarySchema,
  pruneReportSchema,
  sandboxSchema,
  sha256Schema,
  snapshotDescriptionSchema,
  snapshotInspectionSchema,
  volumeSchema,
} from "./schemas.ts";
import { uploadContents } from "./upload.ts";

/** What the worker on the other side says of itself. */
export function describeWorker(connection: Connection, signal: AbortSignal): Promise<WorkerDescription> {
  const during = "the worker was asked what it is";
  const call = { method: "GET", path: "/worker", during, isRepeatable: true } as const;
  return callForJson(connection, { ...call, result: descriptionSchema }, signal);
}

/** How long the description that connecting brought may stand for a fresh one. */
const descriptionFreshMs = 1_000;

/** A worker on the other side of a network; see docs/worker-protocol.md. */
export class RemoteWorker implements Worker {
  readonly #connection: Connection;
  #first: { readonly description: WorkerDescription; readonly atMs: number } | undefined;

  constructor(connection: Connection, description: WorkerDescription) {
    this.#connection = connection;
    this.#first = { description, atMs: performance.now() };
  }

  /** The first call right after connecting costs no round trip. */
  async describe(signal: AbortSignal): Promise<WorkerDescription> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && !signal.aborted && performance.now() - first.atMs < descriptionFreshMs) {
      return first.description;
    }
    return await describeWorker(this.#connection, signal);
  }

  async findImages(
    digests: readonly Sha256Digest[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<Sha256Digest>> {
    const found = await this.#ask(
      "/images/find",
      { json: { digests }, result: v.array(sha256Schema) },
      signal,
    );
    return new Set(found);
  }

  async importImage(image: BaseImage, layout: Readable, signal: AbortSignal): Promise<void> {
    const call = {
      method: "POST",
      path: "/images/import",
      contentType: bytesType,
      body: writeImageStream(image, layout),
      result: v.null(),
      during: `the image ${image.reference} was sent`,
      onAbort: "drop",
    } as const;
    try {
      await callForJson(this.#connection, call, signal);
    } finally {
      layout.destroy();
    }
  }

  async findLayers(
    keys: readonly LayerKey[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<LayerKey, LayerSummary>> {
    const found = await this.#ask(
      "/layers/find",
      { json: { keys }, result: v.array(layerSummarySchema) },
      signal,
    );
    return new Map(found.map((layer) => [layer.key, layer]));
  }

  async runLineage(
    request: LineageRequest,
    client: LineageClient,
    signal: AbortSignal,
  ): Promise<LineageOutcome> {
    const lease = randomUUID();
    const contents = requestedContents(request.steps);
    await uploadContents(
      this.#connection,
      { lease, contents, open: client.openContent.bind(client) },
      signal,
    );
    const secrets = await requestedSecrets(request.steps, client);
    const agents = requestedAgents(request.steps, client);
    using _link = await this.#lendAgents({ lease, agents, client }, signal);
    return await this.#connection.call(
      {
        method: "POST",
        path: "/lineages",
        contentType: jsonType,
        body: Buffer.from(JSON.stringify({ lease, request, secrets, agents })),
        during: "steps ran",
        onAbort: "wait",
      },
      readLineage((event) => client.onEvent(event)),
      signal,
    );
  }

  publishSnapshot(request: PublishRequest, signal: AbortSignal): Promise<SnapshotDescription> {
    return this.#do("POST", "/snapshots", { json: request, result: snapshotDescriptionSchema }, signal);
  }

  listSnapshots(signal: AbortSignal): Promise<readonly SnapshotDescription[]> {
    return this.#get("/snapshots", v.array(snapshotDescriptionSchema), signal);
  }

  inspectSnapshot(name: string, signal: AbortSignal): Promise<SnapshotInspection> {
    return this.#get(`/snapshots/${encodeURIComponent(name)}`, snapshotInspectionSchema, signal);
  }

  async removeSnapshot(name: string, signal: AbortSignal): Promise<void> {
    await this.#do("DELETE", `/snapshots/${encodeURIComponent(name)}`, { result: v.null() }, signal);
  }

  async readLog(key: LayerKey, signal: AbortSignal): Promise<string | undefined> {
    return (await this.#get(`/layers/${key}/log`, v.nullable(v.string()), signal)) ?? undefined;
  }

  async findDebugLayer(keys: readonly LayerKey[], signal: AbortSignal): Promise<DebugLayer | undefined> {
    const result = v.nullable(debugLayerSchema);
    return (await this.#ask("/debug-layers/find", { json: { keys }, result }, signal)) ?? undefined;
  }

  prune(request: PruneRequest, signal: AbortSignal): Promise<PruneReport> {
    return this.#do("POST", "/prune", { json: request, result: pruneReportSchema }, signal);
  }

  listVolumes(signal: AbortSignal): Promise<readonly VolumeDescription[]> {
    return this.#get("/volumes", v.array(volumeSchema), signal);
  }

  ensureVolume(request: VolumeRequest, signal: AbortSignal): Promise<VolumeDescription> {
    return this.#do("POST", "/volumes", { json: request, result: volumeSchema }, signal);
  }

  async removeVolume(name: string, signal: AbortSignal): Promise<void> {
    await this.#do("DELETE", `/volumes/${encodeURIComponent(name)}`, { result: v.null() }, signal);
  }

  launchSandbox(request: LaunchRequest, signal: AbortSignal): Promise<SandboxDescription> {
    return this.#do("POST", "/sandboxes", { json: request, result: sandboxSchema }, signal);
  }

  async execInSandbox(request: ExecRequest, streams: ExecStreams, signal: AbortSignal): Promise<ExecExit> {
    // The WebSocket library is loaded by those who need it, not by every bake.
    const { execOverSocket } = await import("./exec-client.ts");
    return await execOverSocket(this.#connection, { request, streams }, signal);
  }

  listSandboxes(signal: AbortSignal): Promise<readonly SandboxDescription[]> {
    return this.#get("/sandboxes", v.array(sandboxSchema), signal);
  }

  async stopSandbox(name: string, signal: AbortSignal): Promise<void> {
    await this.#do("POST", `/sandboxes/${encodeURIComponent(name)}/stop`, { result: v.null() }, signal);
  }

  async removeSandbox(
    name: string,
    options: { readonly force: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const path = `/sandboxes/${encodeURIComponent(name)}?force=${options.force}`;
    await this.#do("DELETE", path, { result: v.null() }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
  }

  /** Null where no step asks for one. */
  async #lendAgents(
    {
      lease,
      agents,
      client,
    }: { readonly lease: string; readonly agents: readonly string[]; readonly client: LineageClient },
    signal: AbortSignal,
  ): Promise<Disposable | null> {
    if (agents.length === 0 || client.sshAgents === undefined) return null;
    // The WebSocket library is loaded by those who need it, not by every bake.
    const { lendAgents } = await import("./agent-link.ts");
    return await lendAgents(this.#connection, { lease, agents: client.sshAgents }, signal);
  }

  #get<Schema extends v.GenericSchema>(
    path: string,
    result: Schema,
    signal: AbortSignal,
  ): Promise<v.InferOutput<Schema>> {
    const call = { method: "GET", path, result, during: "the worker was asked", isRepeatable: true } as const;
    return callForJson(this.#connection, call, signal);
  }

  /** A question that needs a body. */
  #ask<Schema extends v.GenericSchema>(
    path: string,
    call: Pick<JsonCall<Schema>, "json" | "result">,
    signal: AbortSignal,
  ): Promise<v.InferOutput<Schema>> {
    const during = "the worker was asked";
    return callForJson(
      this.#connection,
      { ...call, method: "POST", path, during, isRepeatable: true },
      signal,
    );
  }

  #do<Schema extends v.GenericSchema>(
    method: "POST" | "DELETE",
    path: string,
    call: Pick<JsonCall<Schema>, "json" | "result">,
    signal: AbortSignal,
  ): Promise<v.InferOutput<Schema>> {
    return callForJson(this.#connection, { ...call, method, path, during: "the worker was at work" }, signal);
  }
}
