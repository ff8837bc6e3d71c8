import { Failure } from "../../src/diagnostics/failure.ts";
import type { LayerKey } from "../../src/model/identifiers.ts";
import { emptyConfiguration } from "../../src/model/sandbox-configuration.ts";
import type {
  ExecExit,
  ExecRequest,
  ExecStreams,
  LaunchRequest,
  SandboxDescription,
} from "../../src/worker/worker.ts";
import { cancelled } from "./fake-worker-abort.ts";
import { type FakeWorkerStore, missing } from "./fake-worker-store.ts";

/** The sandboxes of a {@link FakeWorker}: names with a state, and a shell that knows a few words. */
export class FakeSandboxes {
  readonly #store: FakeWorkerStore;
  /** All that ran, or was to run, in sandboxes. */
  readonly commands: ExecRequest[] = [];
  /** All that was to be launched. */
  readonly launches: LaunchRequest[] = [];
  readonly #sandboxes = new Map<string, SandboxDescription>();
  /** Names of volumes, by the sandbox that mounts them. */
  readonly #volumes = new Map<string, readonly string[]>();

  constructor(store: FakeWorkerStore) {
    this.#store = store;
  }

  list(): readonly SandboxDescription[] {
    return [...this.#sandboxes.values()];
  }

  launch(request: LaunchRequest): SandboxDescription {
    this.launches.push(request);
    if (this.#sandboxes.has(request.name) && !request.replace) {
      throw missing("SandboxExists", `there is already a sandbox named ${request.name}`);
    }
    if (request.from.kind === "debug" && !this.#store.debugLayers.has(request.from.layer)) {
      throw missing("NothingToDebug", `there is no debug layer ${request.from.layer}`);
    }
    if (request.from.kind === "layer") this.#requireLayer(request.from.layer);
    const snapshot = request.from.kind === "snapshot" ? this.#store.snapshot(request.from.name) : null;
    const volumes = request.mounts.flatMap((mount) => (mount.kind === "volume" ? [mount.volume] : []));
    for (const volume of volumes) this.#store.ensureVolume({ name: volume, labels: {} });
    this.#volumes.set(request.name, volumes);
    return this.add({
      name: request.name,
      status: "running",
      snapshot: snapshot?.name ?? null,
      createdAt: new Date().toISOString(),
      ports: request.ports,
      configuration:
        request.from.kind === "layer"
          ? request.from.configuration
          : (snapshot?.configuration ?? emptyConfiguration),
    });
  }

  add(sandbox: SandboxDescription): SandboxDescription {
    this.#sandboxes.set(sandbox.name, sandbox);
    return sandbox;
  }

  removeVolume(name: string): void {
    const user = [...this.#volumes].find(([, volumes]) => volumes.includes(name))?.[0];
    if (user !== undefined) throw missing("VolumeInUse", `volume ${name} is mounted by sandbox ${user}`);
    this.#store.removeVolume(name);
  }

  stop(name: string): void {
    this.#sandboxes.set(name, { ...this.#get(name), status: "stopped" });
  }

  remove(name: string, force: boolean): void {
    if (this.#get(name).status === "running" && !force) {
      throw new Failure({
        code: "SandboxRunning",
        category: "usage",
        message: `sandbox ${name} is running`,
        hint: "stop it first, or remove it with --force",
      });
    }
    this.#sandboxes.delete(name);
    this.#volumes.delete(name);
  }

  async exec(request: ExecRequest, streams: ExecStreams, signal: AbortSignal): Promise<ExecExit> {
    this.commands.push(request);
    const sandbox = this.#get(request.sandbox);
    if (sandbox.status !== "running") {
      throw missing("SandboxNotRunning", `sandbox ${request.sandbox} is not running`);
    }
    const environment = { ...sandbox.configuration.environment, ...request.environment };
    return { exitCode: await runWords(request.argv, { request, environment, streams, signal }) };
  }

  #requireLayer(layer: LayerKey | null): void {
    if (layer === null || this.#store.layers.has(layer)) return;
    throw missing("UnknownLayer", `layer ${layer} is not in the store`);
  }

  #get(name: string): SandboxDescription {
    const found = this.#sandboxes.get(name);
    if (found === undefined) throw missing("UnknownSandbox", `there is no sandbox named ${name}`);
    return found;
  }
}

interface Shell {
  readonly request: ExecRequest;
  readonly environment: Readonly<Record<string, string>>;
  readonly streams: ExecStreams;
  readonly signal: AbortSignal;
}

/**
 * The few commands that tests use, as a real guest would run them: echo, cat, printenv, pwd, exit, sleep,
 * `head -c N /dev/zero`, `sh -c "A; B"` with `>&2`, and `resizes N` (prints N terminal sizes as they come).
 */
async function runWords(argv: readonly string[], shell: Shell): Promise<number> {
  cancelled.check(shell.signal);
  const { streams, signal } = shell;
  const [command, ...rest] = argv;
  const toStderr = rest.at(-1) === ">&2";
  const words = toStderr ? rest.slice(0, -1) : rest;
  const print = (text: string) => {
    const chunk = Buffer.from(text);
    return toStderr ? streams.stderr(chunk) : streams.stdout(chunk);
  };
  switch (command) {
    case "sh":
      return await runScript(words[1] ?? "", shell);
    case "/bin/sh":
      // What lightbox itself has a guest do: the tests look at what was asked, in FakeSandboxes.commands.
      return 0;
    case "echo":
      await print(`${words.join(" ")}\n`);
      return 0;
    case "printenv":
      await print(`${shell.environment[words[0] ?? ""] ?? ""}\n`);
      return 0;
    case "pwd":
      await print(`${shell.request.workingDirectory ?? "/"}\n`);
      return 0;
    case "exit":
      return Number(words[0] ?? "0");
    case "cat":
      if (streams.stdin === null) return 0;
      for await (const chunk of cancelled.values(streams.stdin, signal)) await streams.stdout(chunk);
      return 0;
    case "head":
      await printZeros(Number(words[1]), shell);
      return 0;
    case "resizes":
      return await printSizes(Number(words[0]), shell);
    case "sleep":
      await cancelled.unless(Promise.withResolvers<void>().promise, signal);
      return 0;
    default:
      await streams.stderr(Buffer.from(`${command}: not found\n`));
      return 127;
  }
}

async function runScript(script: string, shell: Shell): Promise<number> {
  let exitCode = 0;
  for (const part of script.split(";")) {
    const words = part.trim().split(/\s+/);
    exitCode = await runWords(words, shell);
    if (words[0] === "exit") break;
  }
  return exitCode;
}

async function printZeros(sizeBytes: number, shell: Shell): Promise<void> {
  const block = Buffer.alloc(64 * 1024);
  for (let left = sizeBytes; left > 0; left -= block.length) {
    cancelled.check(shell.signal);
    await shell.streams.stdout(block.subarray(0, Math.min(left, block.length)));
  }
}

async function printSizes(count: number, shell: Shell): Promise<number> {
  let left = count;
  const { resizes } = shell.streams;
  if (resizes === null) return 1;
  for await (const size of cancelled.values(resizes, shell.signal)) {
    await shell.streams.stdout(Buffer.from(`${size.rows}x${size.columns}\n`));
    left -= 1;
    if (left === 0) return 0;
  }
  return 1;
}
