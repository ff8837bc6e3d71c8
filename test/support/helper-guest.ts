import { type ChildProcess, spawn } from "node:child_process";
import { chmod, chown, lstat, mkdir, readlink, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { decode, encode } from "cbor-x";
import { Inbox } from "../../src/worker/flow.ts";
import type { CopyGuest } from "../../src/worker/local/copy/copy-step.ts";
import { GuestAgent } from "../../src/worker/local/microvm/guest-agent.ts";
import { GuestFiles } from "../../src/worker/local/microvm/guest-files.ts";
import { GuestProcess } from "../../src/worker/local/microvm/guest-process.ts";
import type { AgentClient, RawFrame } from "../../src/worker/local/microvm/microsandbox.ts";
import { helperOnHost } from "./guest-helper.ts";

/** A guest without a microVM: its root is a folder of this host, and the one program that it starts is the helper. */
export interface HelperGuest extends CopyGuest {
  readonly root: string;
  /** Messages with input for the helper. */
  inputMessages(): number;
  /** Helpers that run. */
  running(): number;
}

/** @param folder of the test; the guest's root is made in it */
export async function helperGuest(folder: string): Promise<HelperGuest> {
  const root = join(folder, "root");
  await mkdir(root);
  const client = new HelperClient(root, await helperOnHost(folder));
  // A fake of the methods that are reached; the SDK's class has native parts.
  const agent = new GuestAgent("guest", client as unknown as AgentClient);
  return {
    name: "guest",
    root,
    files: new GuestFiles(agent),
    start: (command) => GuestProcess.start(agent, command),
    inputMessages: () => client.inputMessages,
    running: () => client.children.size,
  };
}

class HelperClient {
  readonly #root: string;
  readonly #helper: string;
  readonly children = new Map<number, ChildProcess>();
  inputMessages = 0;
  #lastId = 0;

  constructor(root: string, helper: string) {
    this.#root = root;
    this.#helper = helper;
  }

  async request(_flags: number, body: Buffer): Promise<RawFrame> {
    const response = await this.#answer(decode(decode(body).p).op);
    return frame(0, "core.fs.response", response);
  }

  async stream(_flags: number, body: Buffer) {
    const { args } = decode(decode(body).p);
    const [command, directory, ...words] = args;
    if (!["pack", "unpack", "list", "read"].includes(command)) throw new Error(`not on a host: ${command}`);
    this.#lastId += 1;
    const id = this.#lastId;
    const frames = new Inbox<RawFrame>();
    const child = spawn(this.#helper, [command, join(this.#root, directory), ...words]);
    this.children.set(id, child);
    // The helper has read what it wants.
    child.stdin.on("error", () => undefined);
    child.stdout.on("data", (data) => frames.push(frame(id, "core.exec.stdout", { data })));
    child.stderr.on("data", (data) => frames.push(frame(id, "core.exec.stderr", { data })));
    child.on("close", (code) => {
      this.children.delete(id);
      frames.push(frame(id, "core.exec.exited", { code: code ?? -1 }));
      frames.end();
    });
    return { id, [Symbol.asyncIterator]: () => frames[Symbol.asyncIterator]() };
  }

  async send(id: number, _flags: number, body: Buffer): Promise<void> {
    const { data } = decode(decode(body).p);
    const input = this.children.get(id)?.stdin;
    if (input == null) return;
    if (data.length === 0) {
      input.end();
      return;
    }
    this.inputMessages += 1;
    await new Promise<void>((resolve) => input.write(data, () => resolve()));
  }

  async #answer(operation: Record<string, Operation>): Promise<unknown> {
    const [[name, { path, mode, attrs }] = ["", { path: "" }]] = Object.entries(operation);
    const at = join(this.#root, path);
    try {
      if (name === "Stat") {
        const follows = operation.Stat?.follow_symlink === true;
        return { ok: true, data: { Stat: await this.#look(path, at, follows) } };
      }
      if (name === "ReadLink") return { ok: true, data: { Path: await readlink(at) } };
      if (name === "RealPath") {
        const real = (await realpath(at)).slice(this.#root.length);
        return { ok: true, data: { Path: real === "" ? "/" : real } };
      }
      if (name === "Mkdir") {
        await mkdir(at);
        await chmod(at, mode ?? 0o755);
        return { ok: true };
      }
      if (name === "SetStat" && attrs?.uid != null && attrs.gid != null)
        await chown(at, attrs.uid, attrs.gid);
      if (name === "SetStat" && attrs?.mode != null) await chmod(at, attrs.mode);
      if (name === "SetStat") return { ok: true };
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
      if (error.code === "ELOOP")
        return { ok: false, error: "Too many levels of symbolic links (os error 40)" };
      if (error.code === "ENOTDIR") return { ok: false, error: "Not a directory (os error 20)" };
      if (error.code !== "ENOENT") throw error;
    }
    // Also for what is opened: the guest has no accounts.
    return { ok: false, error: "No such file or directory (os error 2)" };
  }

  async #look(path: string, at: string, follows: boolean) {
    const { size, mode, uid, gid, mtimeMs } = await (follows ? stat(at) : lstat(at));
    const type = mode & 0o170000;
    const kind =
      type === 0o040000 ? "dir" : type === 0o100000 ? "file" : type === 0o120000 ? "symlink" : "other";
    return { path, kind, size, mode, uid, gid, mtime: Math.floor(mtimeMs / 1000) };
  }
}

interface Operation {
  readonly path: string;
  readonly mode?: number;
  readonly follow_symlink?: boolean;
  readonly attrs?: {
    readonly mode: number | null;
    readonly uid: number | null;
    readonly gid: number | null;
  };
}

function frame(id: number, type: string, payload: unknown): RawFrame {
  return { id, flags: 0, body: encode({ v: 7, t: type, p: encode(payload) }) };
}
