import { posix } from "node:path";
import { Failure } from "../../../diagnostics/failure.ts";
import { unreachable } from "../../../diagnostics/unreachable.ts";
import type { BindMount, RunMount, SecretMount, SshMount } from "../../../model/step-operation.ts";
import { AgentSocket } from "../guest/agent-socket.ts";
import { type GuestMount, inOrder } from "../guest/guest-mount.ts";
import { agentsPath, scratchPath, secretsPath, volumePath } from "../guest/mount-places.ts";
import { StepRefused } from "../guest/step-refused.ts";
import { writeMountContent } from "./mount-content.ts";
import { StepCaches, type StepCachesContext } from "./step-caches.ts";

export interface MountContext extends StepCachesContext {
  /** Told what the user should know: a cache that is waited for, something optional that is missing. */
  readonly onNote: (message: string) => void;
}

const scratchFolder = `${scratchPath}/step`;

/**
 * What a step mounts, brought into its guest: contents on the builder's second disk, secrets in memory. It is all
 * taken away again when this is disposed.
 */
export class StepMounts implements AsyncDisposable {
  readonly #context: MountContext;
  readonly #mounts: GuestMount[] = [];
  readonly #caches: StepCaches;
  readonly #environment: Record<string, string> = {};
  readonly #secrets: string[] = [];
  readonly #agents: AgentSocket[] = [];
  #agentTarget: string | null = null;
  #places = 0;

  private constructor(context: MountContext) {
    this.#context = context;
    this.#caches = new StepCaches(context, () => this.#nextPlace());
  }

  /** @throws StepRefused `SecretNotGiven`, `SshNotForwarded`, `CopySourceNotFound`, … */
  static async prepare(mounts: readonly RunMount[], context: MountContext): Promise<StepMounts> {
    const prepared = new StepMounts(context);
    try {
      await prepared.#caches.open(mounts.filter((mount) => mount.kind === "cache"));
      for (const mount of mounts) await prepared.#prepare(mount);
      return prepared;
    } catch (error) {
      await prepared[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** In the order in which they have to be made: those that others lie below come first. */
  get mounts(): readonly GuestMount[] {
    return inOrder(this.#mounts);
  }

  /** Variables that secrets are in. */
  get environment(): Readonly<Record<string, string>> {
    return this.#environment;
  }

  /** Variables for a step that does not set them itself. */
  get defaultEnvironment(): Readonly<Record<string, string>> {
    return this.#agentTarget === null ? {} : { SSH_AUTH_SOCK: this.#agentTarget };
  }

  /** Values that must not be shown. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  /** Keeps what the step left in its caches. Only after a step that succeeded. */
  async saveCaches(): Promise<void> {
    await this.#caches.save();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const agent of this.#agents.splice(0)) await agent[Symbol.asyncDispose]();
      if (this.#places > 0) await this.#removeContents();
    } catch (error) {
      // Nothing is left in a guest that is gone, and why it is gone is told by what was going on.
      if (!(error instanceof Failure) || error.code !== "MicroVmLost") throw error;
    } finally {
      await this.#caches[Symbol.asyncDispose]();
    }
  }

  async #removeContents(): Promise<void> {
    const { files } = this.#context.vm;
    for (const path of [secretsPath, agentsPath, scratchFolder]) {
      if ((await files.lstatIfExists(path)) === undefined) continue;
      await files.removeDirectory(path, { recursive: true });
    }
  }

  async #prepare(mount: RunMount): Promise<void> {
    switch (mount.kind) {
      case "tmpfs":
        this.#add("tmpfs", "", mount.target, tmpfsOptions(mount));
        return;
      case "volume":
        this.#add(mount.readOnly ? "bind-ro" : "bind-rw", volumePath(mount.name), mount.target);
        return;
      case "bind":
        return this.#bind(mount);
      case "cache":
        this.#add(mount.readOnly ? "bind-ro" : "bind-rw", this.#caches.pathOf(mount.id), mount.target);
        return;
      case "secret":
        return this.#secret(mount);
      case "ssh":
        return this.#ssh(mount);
      default:
        return unreachable(mount);
    }
  }

  async #bind({ content, target, readOnly }: BindMount): Promise<void> {
    const place = this.#nextPlace();
    await this.#context.vm.files.makeDirectory(place, 0o755);
    const source = await writeMountContent(content, place, this.#context);
    this.#add(readOnly ? "bind-ro" : "bind-rw", source, target);
  }

  async #secret(mount: SecretMount): Promise<void> {
    const { client, vm } = this.#context;
    const value = (await client.readSecret?.(mount.id)) ?? null;
    if (value === null) {
      if (mount.required) throw secretMissing(mount.id);
      return;
    }
    const text = Buffer.from(value).toString("utf8");
    this.#secrets.push(text);
    if (mount.environmentVariable !== null) this.#environment[mount.environmentVariable] = text;
    if (mount.target === null) return;
    await vm.files.makeDirectory(secretsPath, 0o700);
    const path = posix.join(secretsPath, String(this.#places++));
    const { mode, userId, groupId } = mount;
    await vm.files.writeFile(path, 0o600, value);
    await vm.files.setAttributes(path, { mode, userId, groupId });
    this.#add("bind-ro", path, mount.target);
  }

  async #ssh({ id, target, required, mode, userId, groupId }: SshMount): Promise<void> {
    const { client, vm, onNote } = this.#context;
    const agents = client.sshAgents;
    if (agents === undefined || !agents.ids.has(id)) {
      if (required) throw sshNotForwarded(id);
      onNote(`the step goes without the ssh agent ${id}, which is not given (--ssh ${id})`);
      return;
    }
    await vm.files.makeDirectory(agentsPath, 0o700);
    const path = posix.join(agentsPath, String(this.#places++));
    const connect = () => agents.connect(id);
    this.#agents.push(await AgentSocket.listen(vm, { path, mode, userId, groupId, connect }));
    this.#agentTarget ??= target;
    this.#add("bind-rw", path, target);
  }

  /** Of a directory on the second disk; those above it are made with it. */
  #nextPlace(): string {
    return posix.join(scratchFolder, String(this.#places++));
  }

  #add(kind: GuestMount["kind"], source: string, target: string, options = ""): void {
    this.#mounts.push({ kind, source, target, options });
  }
}

function tmpfsOptions({ mode, sizeBytes }: Extract<RunMount, { kind: "tmpfs" }>): string {
  const size = sizeBytes === null ? "" : `,size=${sizeBytes}`;
  return `mode=${mode.toString(8).padStart(4, "0")}${size}`;
}

function secretMissing(id: string): StepRefused {
  return new StepRefused(
    "SecretNotGiven",
    `the step needs the secret ${id}, which was not given`,
    `give it: \`lightbox bake --secret id=${id},src=FILE\``,
  );
}

function sshNotForwarded(id: string): StepRefused {
  return new StepRefused(
    "SshNotForwarded",
    `the step needs the ssh agent ${id}, which was not given`,
    `give it: \`lightbox bake --ssh ${id}\` for the agent that SSH_AUTH_SOCK names, or --ssh ${id}=SOCKET`,
  );
}
