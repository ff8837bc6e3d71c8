import { join } from "node:path";
import { Readable } from "node:stream";
import { Failure } from "../../src/diagnostics/failure.ts";
import { type Hasher, loadHasher } from "../../src/graph/keys/hash.ts";
import { version } from "../../src/host/version.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { MachineEndpoint } from "../../src/machine/machine-endpoint.ts";
import { machineResources } from "../../src/machine/machine-resources.ts";
import { machineWorker } from "../../src/machine/machine-worker.ts";
import { type LayerKey, layerKey } from "../../src/model/identifiers.ts";
import type { CopyOperation, RunOperation, StepOperation } from "../../src/model/step-operation.ts";
import { openLocalWorker } from "../../src/worker/local/local-worker.ts";
import { connectWorker } from "../../src/worker/remote/connect-worker.ts";
import type {
  ExecRequest,
  LineageEvent,
  LineageOutcome,
  LineageRequest,
  LineageStep,
  SnapshotInspection,
  TerminalSize,
  Worker,
} from "../../src/worker/worker.ts";
import { bakeProject } from "./bake-project.ts";
import { endToEndHome } from "./end-to-end-home.ts";
import { lightboxOk } from "./lightbox-command.ts";
import { usesMachine } from "./machine-shell.ts";

export interface Lineage {
  readonly outcome: LineageOutcome;
  readonly events: readonly LineageEvent[];
  readonly output: string;
}

export const never = new AbortController().signal;
const repository = join(import.meta.dirname, "../..");

/** The worker of this host, without a command between: the local one, or over HTTP the one in the machine. */
export async function openRealWorker(): Promise<Worker> {
  const home = endToEndHome();
  if (!(await usesMachine())) return await openLocalWorker({ storeDirectory: join(home, "store"), version });
  const { machine, endpoint } = await startedMachine();
  return machineWorker(await connectWorker({ ...endpoint, version, signal: never }), machine);
}

/** The machine of this file's home, started, and where its worker is. */
export async function startedMachine(): Promise<{
  readonly machine: Machine;
  readonly endpoint: MachineEndpoint;
}> {
  await lightboxOk(["machine", "start"]);
  const resources = machineResources(process.env);
  const machine = new Machine({ home: endToEndHome(), packageDirectory: repository, resources });
  const endpoint = await machine.findRunning();
  if (endpoint === undefined) throw new Error("the machine has ended right after its start");
  return { machine, endpoint };
}

/** Bakes what the lineages stand on: a user `app` (1500, also in `extra`, 1501), and a link /link to a folder /data. */
export async function realWorkerRig(worker: Worker): Promise<RealWorkerRig> {
  await using project = await bakeProject({
    Lightfile: `FROM BASE
SNAPSHOT worker-base
RESOURCES cpus=1 memory=256M disk=1G
RUN echo 'app:x:1500:1500::/home/app:/bin/sh' >> /etc/passwd && printf 'app:x:1500:\\nextra:x:1501:app\\n' >> /etc/group && mkdir /data && ln -s data /link
USER app
`,
  });
  await lightboxOk(["bake", "-q", project.folder]);
  return new RealWorkerRig(worker, await worker.inspectSnapshot("worker-base", never), await loadHasher());
}

/** Lineages on one worker, over one snapshot as their parent; every step has a new key. */
export class RealWorkerRig {
  readonly worker: Worker;
  readonly base: SnapshotInspection;
  readonly #contents = new Map<string, string>();
  #keys = Date.now() * 1000;

  readonly #hasher: Hasher;

  constructor(worker: Worker, base: SnapshotInspection, hasher: Hasher) {
    this.#hasher = hasher;
    this.worker = worker;
    this.base = base;
  }

  step(operation: StepOperation): LineageStep {
    const key = layerKey((this.#keys++).toString(16).padStart(32, "0"));
    return { key, record: `record of ${key}`, title: operation.kind, operation };
  }

  run(script: string, more: Partial<RunOperation> = {}): LineageStep {
    return this.step({
      kind: "run",
      command: { kind: "argv", argv: ["/bin/sh", "-c", script] },
      environment: { PATH: "/bin:/usr/bin" },
      outputVariables: [],
      user: "root",
      workingDirectory: "/",
      network: "default",
      mounts: [],
      directories: [],
      timeoutSeconds: null,
      retries: 0,
      outputVariable: null,
      freshness: null,
      ...more,
    });
  }

  copy(operation: Pick<CopyOperation, "source" | "destination"> & Partial<CopyOperation>): LineageStep {
    return this.step({
      owner: null,
      mode: null,
      directories: [],
      destinationIsDirectory: false,
      ...operation,
      kind: "copy",
    });
  }

  /** A file of a context that exists only here. */
  file(path: string, content: string, mode = 0o644) {
    const digest = this.#hasher.hashBytes(Buffer.from(content));
    this.#contents.set(digest, content);
    return { kind: "file", path, mode, sizeBytes: Buffer.byteLength(content), digest } as const;
  }

  async bake(
    steps: readonly LineageStep[],
    more: Partial<LineageRequest> = {},
    signal = never,
    onEvent: (event: LineageEvent) => void = () => undefined,
  ): Promise<Lineage> {
    const events: LineageEvent[] = [];
    const request: LineageRequest = {
      image: this.base.image.digest,
      diskSizeMib: this.base.diskSizeMib,
      parent: this.base.layer,
      steps,
      resources: { cpus: 1, memoryMib: 256 },
      checkpoint: "every",
      keepFailedBuilderAs: null,
      ...more,
    };
    const client = {
      onEvent: (event: LineageEvent) => {
        events.push(event);
        onEvent(event);
      },
      openContent: async (digest: string) => {
        const content = this.#contents.get(digest);
        if (content === undefined) throw new Error(`no such content: ${digest}`);
        return Readable.from([Buffer.from(content)]);
      },
    };
    const outcome = await this.worker.runLineage(request, client, signal);
    const output = events.map((event) => (event.kind === "step-output" ? event.text : "")).join("");
    return { outcome, events, output };
  }

  async exec(
    request: Partial<ExecRequest> & Pick<ExecRequest, "sandbox" | "argv">,
    stdin?: string,
    resizes?: readonly TerminalSize[],
  ) {
    let stdout = "";
    let stderr = "";
    const { exitCode } = await this.worker.execInSandbox(
      {
        environment: {},
        workingDirectory: null,
        user: null,
        terminal: null,
        detachedOutput: null,
        ...request,
      },
      {
        stdin: stdin === undefined ? null : Readable.from([Buffer.from(stdin)]),
        stdout: (chunk) => {
          stdout += Buffer.from(chunk).toString();
        },
        stderr: (chunk) => {
          stderr += Buffer.from(chunk).toString();
        },
        resizes: resizes === undefined ? null : Readable.from(resizes),
      },
      never,
    );
    return { exitCode, stdout, stderr };
  }

  /** Names a layer as a snapshot whose sandboxes are of root, in /data. */
  async publish(name: string, layer: LayerKey | null): Promise<void> {
    const { image, diskSizeMib, configuration } = this.base;
    await this.worker.publishSnapshot(
      {
        name,
        layer,
        image,
        diskSizeMib,
        configuration: {
          ...configuration,
          environment: { PATH: "/bin:/usr/bin", GREETING: "hello" },
          workingDirectory: "/data",
        },
        history: [],
      },
      never,
    );
  }
}

export function countOf(events: readonly LineageEvent[], kind: LineageEvent["kind"]): number {
  return events.filter((event) => event.kind === kind).length;
}

/** The code of the failure that a call ends with. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
  return "no failure";
}
