import { Failure } from "../../../diagnostics/failure.ts";
import { throwIfCancelled } from "../../../layers/cancellation.ts";
import type { NetworkAccess } from "../../../model/step-operation.ts";
import { sandboxLogTail, startFailure } from "./boot-failure.ts";
import { GuestAgent, microVmLost } from "./guest-agent.ts";
import { GuestFiles } from "./guest-files.ts";
import { guestHelperBinaries } from "./guest-helper-binary.ts";
import { type GuestCommand, GuestProcess } from "./guest-process.ts";
import type { Microsandbox, Sandbox, SandboxBuilder } from "./microsandbox.ts";
import { networkPolicy } from "./network-policy.ts";

/**
 * Emulated processors take about six seconds for a boot; a host under load several times that. A guest that hangs in its
 * boot, which emulation brings about now and then, comes up when it is started again.
 */
const bootTimeoutsMs = [60_000, 120_000] as const;

/** In memory, so that it is in no layer; put there at every boot. */
export const guestHelperPath = "/dev/.lightbox-helper";

export interface MicroVmOptions {
  readonly microsandbox: Microsandbox;
  /** Name that microsandbox knows it by. */
  readonly name: string;
  /** Reference that microsandbox's image cache knows. */
  readonly image: string;
  /** A qcow2 file to write into. */
  readonly diskPath: string;
  readonly cpus: number;
  readonly memoryMib: number;
  readonly hostname: string;
  readonly network: NetworkAccess;
  /** Lives on when this process ends. */
  readonly detached: boolean;
  /** Told when the first start came to nothing and another is tried. */
  readonly onStartAgain?: (reason: Failure) => void;
  /** What else the sandbox needs: ports, mounts, … */
  readonly configure?: (builder: SandboxBuilder) => void;
}

/** A running microVM with lightbox's helper in it. */
export class MicroVm {
  readonly name: string;
  readonly files: GuestFiles;
  readonly #agent: GuestAgent;
  readonly #microsandbox: Microsandbox;
  /** Kept from the garbage collector, which would end the microVM with it; null when others own it. */
  #owned: Sandbox | null = null;

  private constructor(name: string, agent: GuestAgent, microsandbox: Microsandbox) {
    this.name = name;
    this.#agent = agent;
    this.#microsandbox = microsandbox;
    this.files = new GuestFiles(agent);
  }

  /**
   * @throws Failure `VirtualizationUnavailable`, `BuilderDidNotStart`, `NoMemoryForBuilder`, or of category
   *   `cancelled`; nothing of it is left then
   */
  static async boot(options: MicroVmOptions, signal: AbortSignal): Promise<MicroVm> {
    const [firstTimeoutMs, secondTimeoutMs] = bootTimeoutsMs;
    let sandbox: Sandbox;
    try {
      sandbox = await create(options, firstTimeoutMs, signal);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "BuilderDidNotStart") throw error;
      options.onStartAgain?.(error);
      sandbox = await create(options, secondTimeoutMs, signal);
    }
    try {
      if (options.detached) await sandbox.detach();
      const vm = await MicroVm.connect(options.microsandbox, options.name);
      vm.#owned = sandbox;
      await vm.#prepare();
      return vm;
    } catch (error) {
      await removeMicroVm(options.microsandbox, options.name);
      throw error;
    }
  }

  /** Connects to one that runs already. */
  static async connect(microsandbox: Microsandbox, name: string): Promise<MicroVm> {
    const client = await microsandbox.AgentClient.connectSandbox(name);
    return new MicroVm(name, new GuestAgent(name, client), microsandbox);
  }

  async start(command: GuestCommand): Promise<GuestProcess> {
    return GuestProcess.start(this.#agent, command);
  }

  /** Lets go of it; it runs on. */
  async disconnect(): Promise<void> {
    await this.#agent[Symbol.asyncDispose]();
  }

  /** Ends it at once and forgets it; what the guest has not flushed is lost. */
  async kill(): Promise<void> {
    await this.disconnect();
    await this.#owned?.kill();
    this.#owned = null;
    await removeMicroVm(this.#microsandbox, this.name);
  }

  /** Runs the helper and resolves with its exit code. */
  async runHelper(...words: readonly string[]): Promise<number> {
    const process = await this.start({
      program: guestHelperPath,
      arguments: words,
      environment: [],
      terminal: null,
    });
    for await (const event of process) {
      if (event.kind === "exited") return event.exitCode;
      if (event.kind === "not-started") throw new Error(`internal error: ${event.message}`);
    }
    throw microVmLost(this.name);
  }

  /** Puts the helper into the guest, unless it is there. */
  async ensureHelper(): Promise<void> {
    if ((await this.files.lstatIfExists(guestHelperPath))?.kind === "file") return;
    const architecture = process.arch === "arm64" ? "arm64" : "x64";
    const helper = Buffer.from(guestHelperBinaries[architecture], "base64");
    await this.files.writeFile(guestHelperPath, 0o755, helper);
  }

  async #prepare(): Promise<void> {
    await this.ensureHelper();
    const exitCode = await this.runHelper("settle");
    if (exitCode !== 0) throw new Error(`internal error: the guest could not be settled (${exitCode})`);
  }
}

/** Ends and forgets a microVM, running or not; one that does not exist is fine. */
export async function removeMicroVm(microsandbox: Microsandbox, name: string): Promise<void> {
  const { Sandbox: sandboxes, SandboxNotFoundError } = microsandbox;
  try {
    const handle = await sandboxes.get(name);
    await handle.kill();
    await sandboxes.remove(name);
  } catch (error) {
    if (!(error instanceof SandboxNotFoundError)) throw error;
  }
}

async function create(options: MicroVmOptions, bootTimeoutMs: number, signal: AbortSignal): Promise<Sandbox> {
  throwIfCancelled(signal);
  const timeout = AbortSignal.timeout(bootTimeoutMs);
  const stop = AbortSignal.any([signal, timeout]);
  const creating = sandboxBuilder(options).create();
  const stopped = Promise.withResolvers<never>();
  const onStop = () => stopped.reject(stop.reason);
  stop.addEventListener("abort", onStop, { once: true });
  try {
    return await Promise.race([creating, stopped.promise]);
  } catch (error) {
    const log = await sandboxLogTail(options.microsandbox, options.name);
    await removeMicroVm(options.microsandbox, options.name);
    // The abandoned start ends with an error of its own, now that its microVM is gone.
    creating.catch(() => undefined);
    throwIfCancelled(signal);
    throw startFailure({
      error,
      timedOut: timeout.aborted,
      bootTimeoutMs,
      log,
      memoryMib: options.memoryMib,
    });
  } finally {
    stop.removeEventListener("abort", onStop);
  }
}

function sandboxBuilder(options: MicroVmOptions): SandboxBuilder {
  const builder = options.microsandbox.Sandbox.builder(options.name)
    .image(options.image)
    .pullPolicy("never")
    .rootDisk((disk) => disk.disk(options.diskPath).format("qcow2").fstype("ext4"))
    .cpus(options.cpus)
    .memory(options.memoryMib)
    .hostname(options.hostname)
    .workdir("/")
    // None, and not the image's: programs start as root, and the helper gives steps their identity. A name, even a number,
    // would be looked up in /etc/passwd, which a guest need not have; nothing at all is refused.
    .user(" ")
    .detached(options.detached)
    .disableMetricsSample();
  const { network } = options;
  if (network === "none") builder.disableNetwork();
  else if (network !== "default") builder.network((config) => config.policy(networkPolicy(network)));
  options.configure?.(builder as SandboxBuilder);
  return builder as SandboxBuilder;
}
