import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { BaseImage } from "../../../../src/model/base-image.ts";
import { type ContentDigest, type LayerKey, layerKey } from "../../../../src/model/identifiers.ts";
import { emptyConfiguration } from "../../../../src/model/sandbox-configuration.ts";
import type {
  ExecExit,
  ExecRequest,
  ExecStreams,
  LaunchRequest,
  LineageClient,
  LineageEvent,
  LineageRequest,
  LineageStep,
  PublishRequest,
  Worker,
} from "../../../../src/worker/worker.ts";
import { plainRun } from "../../../support/plain-operations.ts";
import type { StepScript } from "../../../support/step-scripts.ts";

/** A worker to be held to the contract, and an image for it. */
export interface ContractRig extends AsyncDisposable {
  readonly worker: Worker;
  /** A base image with a POSIX shell, not imported yet. */
  readonly image: BaseImage;
  /** Its OCI layout as a tar stream. */
  openLayout(): Readable;
  readonly diskSizeMib: number;
}

/** What the commands of contract steps do, for workers that do not run them. */
export const contractScripts: Readonly<Record<string, StepScript>> = {
  "RUN echo one": { output: ["one\n"] },
  "RUN echo two": { output: ["two\n"] },
  "RUN echo three": { output: ["three\n"] },
  "RUN echo before; exit 3": { output: ["before\n"], exitCode: 3 },
};

/** A step that lasts until it is aborted. */
export const endlessStep = "RUN sleep 1000";

export const forever = new AbortController().signal;

/** A RUN whose title says all; its key depends on the title and the parent. */
export function runStep(title: string, parent: LayerKey | null): LineageStep {
  const command = title.replace(/^RUN /, "");
  return {
    ...keyed(title, parent),
    title,
    operation: {
      kind: "run",
      command: { kind: "argv", argv: ["/bin/sh", "-c", command] },
      environment: emptyConfiguration.environment,
      user: "root",
      workingDirectory: "/",
      ...plainRun,
      network: "none",
      directories: [],
    },
  };
}

/** A COPY of one file of the context to the guest's root. */
export function copyStep(
  file: { readonly name: string; readonly digest: ContentDigest; readonly sizeBytes: number },
  parent: LayerKey | null,
): LineageStep {
  const { name, digest, sizeBytes } = file;
  const title = `COPY ${name} /`;
  return {
    ...keyed(title + digest, parent),
    title,
    operation: {
      kind: "copy",
      source: {
        kind: "context",
        sources: [
          {
            written: name,
            kind: "file",
            name,
            entries: [{ kind: "file", path: "", mode: 0o644, sizeBytes, digest }],
          },
        ],
      },
      destination: "/",
      destinationIsDirectory: true,
      owner: null,
      mode: null,
      directories: [],
    },
  };
}

function keyed(text: string, parent: LayerKey | null): Pick<LineageStep, "key" | "record"> {
  const record = JSON.stringify({ text, parent });
  return { key: layerKey(createHash("sha256").update(record).digest("hex").slice(0, 32)), record };
}

/** Steps that follow one another from the bare image. */
export function runSteps(...titles: readonly string[]): LineageStep[] {
  const steps: LineageStep[] = [];
  for (const title of titles) steps.push(runStep(title, steps.at(-1)?.key ?? null));
  return steps;
}

export function lineageOf(
  rig: Pick<ContractRig, "image" | "diskSizeMib">,
  steps: readonly LineageStep[],
  changes: Partial<LineageRequest> = {},
): LineageRequest {
  return {
    image: rig.image.digest,
    diskSizeMib: rig.diskSizeMib,
    parent: null,
    steps,
    resources: { cpus: 1, memoryMib: 512 },
    checkpoint: "every",
    keepFailedBuilderAs: null,
    ...changes,
  };
}

/** A client that remembers events and has the given contents. */
export class RecordingClient implements LineageClient {
  readonly events: LineageEvent[] = [];
  readonly #contents: ReadonlyMap<ContentDigest, () => Readable>;
  readonly #waiting: { readonly isMet: (event: LineageEvent) => boolean; readonly resolve: () => void }[] =
    [];

  constructor(contents: ReadonlyMap<ContentDigest, () => Readable> = new Map()) {
    this.#contents = contents;
  }

  onEvent(event: LineageEvent): void {
    this.events.push(event);
    for (const waiter of this.#waiting) if (waiter.isMet(event)) waiter.resolve();
  }

  async openContent(digest: ContentDigest): Promise<Readable> {
    const open = this.#contents.get(digest);
    if (open === undefined) throw new Error(`a test asked for content ${digest}, which it does not have`);
    return open();
  }

  /** Resolves at the first event of the kind, past or to come. */
  until(kind: LineageEvent["kind"]): Promise<void> {
    const isMet = (event: LineageEvent) => event.kind === kind;
    if (this.events.some(isMet)) return Promise.resolve();
    const met = Promise.withResolvers<void>();
    this.#waiting.push({ isMet, resolve: met.resolve });
    return met.promise;
  }

  /** Kinds with their step index, output left out (how it is cut is the worker's choice). */
  get outline(): string[] {
    return this.events
      .filter((event) => event.kind !== "step-output")
      .map((event) => `${event.kind} ${event.index}`);
  }

  outputOf(index: number): string {
    let output = "";
    for (const event of this.events) {
      if (event.kind === "step-output" && event.index === index) output += event.text;
    }
    return output;
  }
}

export function publishRequest(
  rig: Pick<ContractRig, "image" | "diskSizeMib">,
  name: string,
  layer: LayerKey | null,
): PublishRequest {
  return {
    name,
    layer,
    image: rig.image,
    diskSizeMib: rig.diskSizeMib,
    configuration: {
      ...emptyConfiguration,
      environment: { ...emptyConfiguration.environment, COLOUR: "blue" },
    },
    history: [{ title: "RUN echo one", layer }],
  };
}

export function launchRequest(name: string, snapshot: string): LaunchRequest {
  return {
    name,
    from: { kind: "snapshot", name: snapshot },
    resources: {},
    environment: {},
    workingDirectory: null,
    user: null,
    ports: [],
    mounts: [],
    replace: false,
    network: "none",
    idleTimeoutSeconds: null,
  };
}

export interface ExecResult extends ExecExit {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Runs a command to its end and gathers its output. */
export async function execute(
  worker: Worker,
  request: Partial<ExecRequest> & Pick<ExecRequest, "sandbox" | "argv">,
  streams: Partial<Pick<ExecStreams, "stdin" | "resizes">> = {},
): Promise<ExecResult> {
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  const { exitCode } = await worker.execInSandbox(
    { environment: {}, workingDirectory: null, user: null, terminal: null, detachedOutput: null, ...request },
    {
      stdin: null,
      resizes: null,
      ...streams,
      stdout: (chunk) => void stdout.push(chunk),
      stderr: (chunk) => void stderr.push(chunk),
    },
    forever,
  );
  return { exitCode, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
}

export function streamOf(...chunks: readonly (string | Uint8Array)[]): Readable {
  return Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
}
