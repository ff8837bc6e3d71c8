import { posix } from "node:path";
import { Failure } from "../../diagnostics/failure.ts";
import { unreachable } from "../../diagnostics/unreachable.ts";
import type {
  BindMount,
  CacheMount,
  MountContent,
  RunMount,
  SecretMount,
  SshMount,
} from "../../model/step-operation.ts";
import type { LineageClient } from "../worker.ts";
import { AgentSocket } from "./agent-socket.ts";
import type { CacheStore, OpenCache } from "./cache-store.ts";
import { contextTrees } from "./copy-from-context.ts";
import { literalPattern } from "./copy-from-stage.ts";
import { type CopyHost, withStageTrees } from "./copy-step.ts";
import type { CopyTree } from "./copy-tree.ts";
import { copyTreeStream } from "./copy-tree-stream.ts";
import { packTree, unpackTree } from "./guest-trees.ts";
import type { MicroVm } from "./micro-vm.ts";
import { agentsPath, coveredPaths, scratchPath, secretsPath, volumePath } from "./mount-places.ts";
import { StepRefused } from "./step-refused.ts";

/** One mount as the guest's helper takes it (see guest-helper/step-mounts.c). */
export interface GuestMount {
  readonly kind: "bind-ro" | "bind-rw" | "tmpfs" | "cover";
  readonly source: string;
  readonly target: string;
  readonly options: string;
}

export interface MountHost extends CopyHost {
  readonly caches: CacheStore;
}

export interface MountContext {
  readonly host: MountHost;
  readonly vm: MicroVm;
  readonly client: LineageClient;
  readonly signal: AbortSignal;
  /** Told what the user should know: a cache that is waited for, something optional that is missing. */
  readonly onNote: (message: string) => void;
}

interface CacheInUse {
  readonly cache: OpenCache;
  readonly path: string;
  readonly isReadOnly: boolean;
}

/**
 * What a step mounts, brought into its guest: contents on the builder's second disk, secrets in memory. It is all
 * taken away again when this is disposed.
 */
export class StepMounts implements AsyncDisposable {
  readonly #context: MountContext;
  readonly #mounts: GuestMount[] = [];
  /** By id. */
  readonly #caches = new Map<string, CacheInUse>();
  readonly #environment: Record<string, string> = {};
  readonly #secrets: string[] = [];
  readonly #agents: AgentSocket[] = [];
  #agentTarget: string | null = null;
  #places = 0;

  private constructor(context: MountContext) {
    this.#context = context;
  }

  /** @throws StepRefused `SecretNotGiven`, `SshNotForwarded`, `CopySourceNotFound`, … */
  static async prepare(mounts: readonly RunMount[], context: MountContext): Promise<StepMounts> {
    const prepared = new StepMounts(context);
    try {
      await prepared.#openCaches(mounts.filter((mount) => mount.kind === "cache"));
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
    for (const { cache, path, isReadOnly } of this.#caches.values()) {
      if (!isReadOnly) await cache.write(packTree(this.#context.vm, path));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const agent of this.#agents.splice(0)) await agent[Symbol.asyncDispose]();
      if (this.#places > 0) await this.#removeContents();
    } catch (error) {
      // Nothing is left in a guest that is gone, and why it is gone is told by what was going on.
      if (!(error instanceof Failure) || error.code !== "MicroVmLost") throw error;
    } finally {
      for (const { cache } of this.#caches.values()) await cache.close();
      this.#caches.clear();
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
        this.#addCache(mount);
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
    const source = await this.#write(content, place);
    this.#add(readOnly ? "bind-ro" : "bind-rw", source, target);
  }

  /** Each once, however often it is mounted, and in the order of their ids, so that no two steps wait for one another. */
  async #openCaches(mounts: readonly CacheMount[]): Promise<void> {
    const byId = [...Map.groupBy(mounts, ({ id }) => id)].sort(([left], [right]) => (left < right ? -1 : 1));
    for (const [, [first, ...others]] of byId) {
      if (first === undefined) continue;
      await this.#openCache(
        first,
        [first, ...others].every(({ readOnly }) => readOnly),
      );
    }
  }

  async #openCache(mount: CacheMount, isReadOnly: boolean): Promise<void> {
    const { host, vm, signal, onNote } = this.#context;
    const { id, mode, userId, groupId, seed } = mount;
    const cache = await host.caches.open(mount, {
      signal,
      onWait: () => onNote(`the cache ${id} is in use: waiting for it`),
    });
    const path = this.#nextPlace();
    this.#caches.set(id, { cache, path, isReadOnly });
    await vm.files.makeDirectory(path, 0o755);
    const content = await cache.read();
    if (content !== undefined && (await unpackTree(vm, path, content))) return;
    if (content !== undefined) {
      await cache.forget();
      await vm.files.removeDirectory(path, { recursive: true });
      await vm.files.makeDirectory(path, 0o755);
    }
    if (seed !== null) await this.#write(seed, path);
    await vm.files.setAttributes(path, { mode, userId, groupId });
  }

  #addCache({ id, target, readOnly }: CacheMount): void {
    const open = this.#caches.get(id);
    if (open === undefined) throw new Error(`internal error: the cache ${id} is not open`);
    this.#add(readOnly ? "bind-ro" : "bind-rw", open.path, target);
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

  /** Writes what is to be seen into a directory; returns the path of the file or directory. */
  async #write(content: MountContent, place: string): Promise<string> {
    const { host, client, signal } = this.#context;
    if (content.kind === "context") return this.#writeTrees(contextTrees([content.source], client), place);
    const selection = {
      paths: [literalPattern(content.path)],
      excludes: [],
      keepsParents: false,
      ifExists: false,
    };
    let written = place;
    await withStageTrees(host, { ...content, ...selection }, signal, async (trees) => {
      written = await this.#writeTrees(trees, place);
    });
    return written;
  }

  async #writeTrees(trees: readonly CopyTree[], place: string): Promise<string> {
    const [tree] = trees;
    if (tree === undefined) throw new Error("internal error: nothing to mount");
    const name = "file";
    const { vm, signal } = this.#context;
    const placed = { tree, place: tree.kind === "file" ? name : "", keepsRoot: false };
    const stream = copyTreeStream([placed], { owner: null, mode: null, signal });
    if (!(await unpackTree(vm, place, stream))) {
      throw new Error("internal error: the stream of a tree that is mounted broke off");
    }
    return tree.kind === "directory" ? place : posix.join(place, name);
  }

  #add(kind: GuestMount["kind"], source: string, target: string, options = ""): void {
    this.#mounts.push({ kind, source, target, options });
  }
}

const scratchFolder = `${scratchPath}/step`;

/** Parents first, otherwise as written; what is not for the step to see is covered last. */
export function inOrder(mounts: readonly GuestMount[]): readonly GuestMount[] {
  const sorted = mounts.toSorted((left, right) => depth(left.target) - depth(right.target));
  const covers = coveredPaths.map(
    (target): GuestMount => ({ kind: "cover", source: "", target, options: "" }),
  );
  return [...sorted, ...covers];
}

function depth(path: string): number {
  return path.split("/").length;
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
