import { Failure } from "../../src/diagnostics/failure.ts";
import type { ContentDigest, LayerKey } from "../../src/model/identifiers.ts";
import { contextSourcesOf, type StepOperation } from "../../src/model/step-operation.ts";
import type {
  LineageClient,
  LineageOutcome,
  LineageRequest,
  LineageStep,
  StepFailure,
} from "../../src/worker/worker.ts";
import { exchange } from "./agent-rig.ts";
import { cancelled } from "./fake-worker-abort.ts";
import type { FakeWorkerStore } from "./fake-worker-store.ts";
import type { StepScripts } from "./step-scripts.ts";

/** What a step got of its client for a secret mount. */
export interface SecretRead {
  readonly title: string;
  readonly id: string;
  readonly value: string | null;
}

/** What a step that mounts an ssh agent was answered; null: the client has none of that id. */
export interface AgentAnswer {
  readonly title: string;
  readonly id: string;
  readonly answer: string | null;
}

/** What the fake needs of its surroundings to run one lineage. */
export interface LineageRig {
  readonly store: FakeWorkerStore;
  readonly scripts: StepScripts;
  onBoot(): void;
  onStepRun(title: string): void;
  onContent(digest: ContentDigest, content: Buffer): void;
  onSecret(read: SecretRead): void;
  onAgent(answer: AgentAnswer): void;
  onKeptBuilder(name: string, request: LineageRequest): void;
}

/** The digests of all files that an operation names. */
export function contentDigests(operation: StepOperation): Set<ContentDigest> {
  const found = new Set<ContentDigest>();
  for (const source of contextSourcesOf(operation)) {
    for (const entry of source.entries) if (entry.kind === "file") found.add(entry.digest);
  }
  return found;
}

/** One lineage as a real worker runs it: store first, each step once, sealed as the policy says. */
export class FakeLineageRun {
  readonly #rig: LineageRig;
  readonly #request: LineageRequest;
  readonly #client: LineageClient;
  readonly #signal: AbortSignal;
  readonly #locked = new Set<LayerKey>();
  #parent: LayerKey | null;
  #firstUnsealed = 0;
  #hasBuilder = false;
  /** Printed since the last seal. */
  #outputValues: Readonly<Record<string, string>> = {};

  constructor(rig: LineageRig, request: LineageRequest, client: LineageClient, signal: AbortSignal) {
    this.#rig = rig;
    this.#request = request;
    this.#client = client;
    this.#signal = signal;
    this.#parent = request.parent;
  }

  async run(): Promise<LineageOutcome> {
    this.#checkGround();
    const { steps } = this.#request;
    try {
      for (let index = 0; index < steps.length; ) {
        cancelled.check(this.#signal);
        const held = this.#lastHeld(index);
        if (held !== undefined) {
          index = held + 1;
          continue;
        }
        const step = steps[index];
        if (step === undefined) break;
        if (this.#rig.store.isLocked(step.key)) {
          this.#client.onEvent({ kind: "waiting-for-other-bake", index });
          await this.#rig.store.untilUnlocked(step.key, this.#signal);
          continue;
        }
        const reason = await this.#runStep(step, index);
        if (reason !== null) return this.#failed(step, index, reason);
        index += 1;
      }
    } finally {
      for (const key of this.#locked) this.#rig.store.unlock(key);
    }
    const last = steps.at(-1)?.key ?? this.#request.parent;
    if (last === null) throw new Error("a lineage without steps on a bare image has no layer");
    return { kind: "completed", layer: last };
  }

  #checkGround(): void {
    const { image, parent } = this.#request;
    if (!this.#rig.store.images.has(image)) {
      throw new Failure({ code: "UnknownImage", category: "environment", message: `no image ${image} here` });
    }
    if (parent !== null && !this.#rig.store.layers.has(parent)) {
      throw new Failure({
        code: "UnknownLayer",
        category: "environment",
        message: `no layer ${parent} here`,
      });
    }
  }

  /** Reports the deepest layer that the store holds at or after `from`. */
  #lastHeld(from: number): number | undefined {
    for (let index = this.#request.steps.length - 1; index >= from; index -= 1) {
      const step = this.#request.steps[index];
      const layer = step && this.#rig.store.layers.get(step.key);
      if (layer === undefined) continue;
      this.#client.onEvent({ kind: "step-reused", index, layer: layer.summary });
      this.#parent = layer.summary.key;
      this.#firstUnsealed = index + 1;
      this.#hasBuilder = false;
      return index;
    }
    return undefined;
  }

  async #runStep(step: LineageStep, index: number): Promise<StepFailure | null> {
    const { store, scripts } = this.#rig;
    store.lock(step.key);
    this.#locked.add(step.key);
    this.#boot(index);
    const script = scripts.get(step.title);
    this.#rig.onStepRun(step.title);
    this.#client.onEvent({ kind: "step-started", index });
    scripts.markStarted(step.title);
    await this.#readContents(step);
    let log = "";
    const print = (stream: "stdout" | "stderr", chunks: Iterable<string> = []) => {
      for (const text of chunks) {
        if (log.length < 1 << 20) log += text;
        this.#client.onEvent({ kind: "step-output", index, stream, text });
      }
    };
    print("stdout", script.output);
    print("stderr", script.errorOutput);
    store.logs.set(step.key, log);
    const { operation } = step;
    if (operation.kind === "run" && operation.outputVariable !== null) {
      const printed = [...(script.output ?? [])].join("").replace(/\n+$/, "");
      this.#outputValues = { ...this.#outputValues, [operation.outputVariable]: printed };
    }
    await this.#readSecrets(step);
    await this.#askAgents(step);
    await scripts.passGate(step.title, this.#signal);
    cancelled.check(this.#signal);
    if (script.trouble !== undefined) throw script.trouble;
    if (script.refuse !== undefined) return { kind: "refused", ...script.refuse };
    if (script.exitCode !== undefined && script.exitCode !== 0) {
      return { kind: "exit", exitCode: script.exitCode };
    }
    this.#client.onEvent({ kind: "step-completed", index, durationMs: 1 });
    this.#sealIfDue(step, index);
    return null;
  }

  #boot(index: number): void {
    if (this.#hasBuilder) return;
    this.#client.onEvent({ kind: "builder-starting", index });
    this.#rig.onBoot();
    this.#hasBuilder = true;
    this.#client.onEvent({ kind: "builder-started", index, durationMs: 1 });
  }

  async #readSecrets({ operation, title }: LineageStep): Promise<void> {
    if (operation.kind !== "run") return;
    for (const mount of operation.mounts) {
      if (mount.kind !== "secret") continue;
      const value = (await this.#client.readSecret?.(mount.id)) ?? null;
      this.#rig.onSecret({ title, id: mount.id, value: value && Buffer.from(value).toString() });
    }
  }

  /** Each is sent the step's title, by one that sends nothing more and reads to the end. */
  async #askAgents({ operation, title }: LineageStep): Promise<void> {
    if (operation.kind !== "run") return;
    for (const mount of operation.mounts) {
      if (mount.kind !== "ssh") continue;
      const { sshAgents } = this.#client;
      const isThere = sshAgents?.ids.has(mount.id) === true;
      // An agent that breaks off is no trouble of the step.
      const asking = isThere ? exchange(sshAgents.connect(mount.id), title).catch(() => "") : null;
      const answer = (await asking)?.toString() ?? null;
      this.#rig.onAgent({ title, id: mount.id, answer });
    }
  }

  async #readContents(step: LineageStep): Promise<void> {
    for (const digest of contentDigests(step.operation)) {
      const chunks: Buffer[] = [];
      for await (const chunk of await this.#client.openContent(digest)) chunks.push(Buffer.from(chunk));
      const content = Buffer.concat(chunks);
      const read = await this.#client.readContent?.(digest);
      if (read !== undefined && !content.equals(read))
        throw new Error(`${digest} is read as another content`);
      this.#rig.onContent(digest, content);
      cancelled.check(this.#signal);
    }
  }

  #sealIfDue(step: LineageStep, index: number): void {
    const isLast = index === this.#request.steps.length - 1;
    if (this.#request.checkpoint === "final" && !isLast) return;
    const sizeBytes = this.#rig.scripts.get(step.title).sizeBytes ?? 1000;
    const outputValues = this.#outputValues;
    const layer = this.#rig.store.seal(step, this.#parent, { sizeBytes, outputValues });
    this.#outputValues = {};
    const firstIndex = this.#firstUnsealed;
    this.#client.onEvent({ kind: "layer-sealed", firstIndex, index, layer, sealMs: 1 });
    this.#parent = step.key;
    this.#firstUnsealed = index + 1;
    for (const key of this.#locked) this.#rig.store.unlock(key);
    this.#locked.clear();
  }

  #failed(step: LineageStep, index: number, reason: StepFailure): LineageOutcome {
    const keptBuilder = this.#request.keepFailedBuilderAs;
    if (keptBuilder !== null) this.#rig.onKeptBuilder(keptBuilder, this.#request);
    const debugLayer = this.#rig.store.keepDebugLayer(step);
    return { kind: "step-failed", index, reason, debugLayer, keptBuilder };
  }
}
