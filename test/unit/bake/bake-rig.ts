import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { bake } from "../../../src/bake/bake.ts";
import type { BakeCollaborators, BakeOutcome, BakeRequest } from "../../../src/bake/bake-request.ts";
import type { ClientSecrets } from "../../../src/bake/client-secrets.ts";
import { type BakeExplanation, explainBake } from "../../../src/bake/dry-run.ts";
import type { BakeEvent } from "../../../src/bake/events.ts";
import { knownLayer, type LayerLookup, snapshotFingerprint } from "../../../src/bake/layer-lookup.ts";
import { Failure } from "../../../src/diagnostics/failure.ts";
import { sha256Digest } from "../../../src/model/identifiers.ts";
import { emptyConfiguration } from "../../../src/model/sandbox-configuration.ts";
import type { SshAgents } from "../../../src/worker/worker.ts";
import { FakeWorker, type FakeWorkerOptions } from "../../support/fake-worker.ts";

export const baseDigest = sha256Digest(`sha256:${"ba".repeat(32)}`);

export interface BakeRun {
  readonly outcome: BakeOutcome;
  readonly events: readonly BakeEvent[];
  /** Titles of the steps that ran in this bake, in the order in which they started. */
  readonly ran: readonly string[];
  readonly opened: number;
}

/** A home, a context and a worker in memory, to bake Lightfiles with. */
export class BakeRig implements AsyncDisposable {
  readonly folder: string;
  worker: FakeWorker;
  /** References that the registry does not know. */
  readonly unknownImages = new Set<string>();
  /** What looking images up, or fetching them, ends with. */
  imageTrouble: Failure | null = null;
  layoutTrouble: Failure | null = null;
  layoutsOpened = 0;
  /** Told of every reference that is looked up. */
  onResolve: (reference: string) => void = () => {};
  /** Why the worker cannot be opened. */
  trouble: Error | null = null;
  #opened = 0;

  private constructor(folder: string, options: FakeWorkerOptions) {
    this.folder = folder;
    this.worker = new FakeWorker(options);
  }

  static async create(options: FakeWorkerOptions = {}): Promise<BakeRig> {
    return new BakeRig(await mkdtemp(join(tmpdir(), "lightbox-bake-")), {
      images: [baseDigest],
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  get home(): string {
    return join(this.folder, "home");
  }

  get indexPath(): string {
    return join(this.home, "index", "fake.json");
  }

  async writeFile(path: string, content: string): Promise<void> {
    const target = join(this.folder, "context", path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }

  async bake(
    text: string,
    change: Partial<BakeRequest> = {},
    options: {
      readonly signal?: AbortSignal;
      readonly localLayers?: LayerLookup;
      readonly secrets?: ClientSecrets;
      readonly sshAgents?: SshAgents;
      onEvent?(event: BakeEvent): void;
    } = {},
  ): Promise<BakeRun> {
    const events: BakeEvent[] = [];
    const ranBefore = this.worker.stepsRun.length;
    const openedBefore = this.#opened;
    await mkdir(join(this.folder, "context"), { recursive: true });
    const outcome = await bake(
      this.request(text, change),
      {
        ...this.collaborators((event) => {
          events.push(event);
          options.onEvent?.(event);
        }),
        localLayers: options.localLayers ?? null,
        ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
        ...(options.sshAgents === undefined ? {} : { sshAgents: options.sshAgents }),
      },
      options.signal ?? new AbortController().signal,
    );
    return {
      outcome,
      events,
      ran: this.worker.stepsRun.slice(ranBefore),
      opened: this.#opened - openedBefore,
    };
  }

  async explain(text: string, change: Partial<BakeRequest> = {}): Promise<BakeExplanation> {
    await mkdir(join(this.folder, "context"), { recursive: true });
    return await explainBake(
      this.request(text, change),
      this.collaborators(() => {}),
      new AbortController().signal,
    );
  }

  /** The worker's store, as it would be read where it is on this host. */
  localLayers(): LayerLookup {
    const { store } = this.worker;
    return {
      findLayers: async (keys) => {
        const found = keys.flatMap((key) => store.layers.get(key)?.summary ?? []);
        return new Map(found.map((summary) => [summary.key, knownLayer(summary)]));
      },
      findSnapshot: async (name) => {
        const snapshot = store.snapshots.get(name);
        return snapshot && { layer: snapshot.layer, fingerprint: snapshotFingerprint(snapshot) };
      },
      evidence: () => [],
    };
  }

  request(text: string, change: Partial<BakeRequest> = {}): BakeRequest {
    return {
      lightfile: { path: "Lightfile", text },
      lightfilePath: join(this.folder, "context", "Lightfile"),
      contextDirectory: join(this.folder, "context"),
      buildArguments: {},
      target: null,
      snapshotName: null,
      platform: "linux/amd64",
      pull: false,
      noCache: false,
      checkpoint: "every",
      keepFailedBuilder: false,
      resources: {},
      ...change,
    };
  }

  collaborators(onEvent: (event: BakeEvent) => void = () => {}): BakeCollaborators {
    return {
      homeDirectory: this.home,
      workerName: "fake",
      openWorker: async () => {
        this.#opened += 1;
        if (this.trouble !== null) throw this.trouble;
        return this.worker;
      },
      reopenWorker: async () => {
        this.#opened += 1;
        return this.worker;
      },
      images: {
        resolve: async (reference, { platform }) => {
          this.onResolve(reference);
          if (this.imageTrouble !== null) throw this.imageTrouble;
          if (this.unknownImages.has(reference)) {
            throw new Failure({
              code: "ImageNotFound",
              category: "usage",
              message: `image ${reference} does not exist`,
            });
          }
          const image = { reference, digest: baseDigest, platform, configuration: emptyConfiguration };
          return { image, remembered: true, evidence: [] };
        },
        recall: async () => null,
        openLayout: async () => {
          if (this.layoutTrouble !== null) throw this.layoutTrouble;
          this.layoutsOpened += 1;
          return Readable.from([Buffer.from("layout of "), Buffer.from("the base")]);
        },
      },
      localLayers: null,
      onEvent,
      now: () => 1_000_000,
    };
  }
}

export function kinds(events: readonly BakeEvent[]): readonly BakeEvent["kind"][] {
  return events.map((event) => event.kind);
}

export function eventsOf<Kind extends BakeEvent["kind"]>(
  events: readonly BakeEvent[],
  kind: Kind,
): readonly Extract<BakeEvent, { kind: Kind }>[] {
  return events.filter((event): event is Extract<BakeEvent, { kind: Kind }> => event.kind === kind);
}
