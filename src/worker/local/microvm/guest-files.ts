import type { AgentExchange, GuestAgent } from "./guest-agent.ts";
import { type GuestFile, guestErrno } from "./guest-file.ts";
import {
  checkResponse,
  chunkAnswer,
  type GuestFileHandle,
  handleAnswer,
  listAnswer,
  pathAnswer,
  statAnswer,
} from "./guest-file-answers.ts";

export interface GuestAttributes {
  readonly mode?: number;
  readonly userId?: number;
  readonly groupId?: number;
  readonly modifiedSeconds?: number;
}

/** Largest part of a file in one message; the agent's own limit is 3 MiB. */
const chunkBytes = 1024 * 1024;

/**
 * The files of a running guest, through its agent: no program has to be in the guest. Calls may be made side
 * by side. Every method throws `GuestFileError` when the guest's kernel refuses.
 */
export class GuestFiles {
  readonly #agent: GuestAgent;

  constructor(agent: GuestAgent) {
    this.#agent = agent;
  }

  /** The file itself, also when it is a symlink. */
  async lstat(path: string): Promise<GuestFile> {
    return this.#stat(path, false);
  }

  async stat(path: string): Promise<GuestFile> {
    return this.#stat(path, true);
  }

  /** Undefined when nothing has that path. */
  async lstatIfExists(path: string): Promise<GuestFile | undefined> {
    return missingAsUndefined(this.lstat(path));
  }

  async statIfExists(path: string): Promise<GuestFile | undefined> {
    return missingAsUndefined(this.stat(path));
  }

  /** Entries of a directory, sorted by path. */
  async list(path: string): Promise<readonly GuestFile[]> {
    const found = listAnswer(await this.#operate(path, { List: { path } }));
    return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  async realPath(path: string): Promise<string> {
    return pathAnswer(await this.#operate(path, { RealPath: { path } }));
  }

  async readLink(path: string): Promise<string> {
    return pathAnswer(await this.#operate(path, { ReadLink: { path } }));
  }

  /** Sets the mode also when the directory is there; makes missing parents (0755, root). */
  async makeDirectory(path: string, mode: number): Promise<void> {
    await this.#operate(path, { Mkdir: { path, mode } });
  }

  async removeFile(path: string): Promise<void> {
    await this.#operate(path, { Remove: { path } });
  }

  async removeDirectory(path: string, options: { readonly recursive: boolean }): Promise<void> {
    await this.#operate(path, { RemoveDir: { path, recursive: options.recursive } });
  }

  /** Does not follow a symlink (whose mode cannot be set). */
  async setAttributes(path: string, attributes: GuestAttributes): Promise<void> {
    // A change of owner clears the set-id bits, and the agent would set the mode first.
    const { mode, ...others } = attributes;
    if (Object.keys(others).length > 0) await this.#setStat(path, others);
    if (mode !== undefined) await this.#setStat(path, { mode });
  }

  async readFile(path: string): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.read(path)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *read(path: string): AsyncGenerator<Uint8Array, void, undefined> {
    const handle = await this.#openFile(path, { read: true });
    try {
      // One request per part, so that a slow reader does not pile the file up in the guest's memory.
      for (let offset = 0; ; ) {
        const parts = await this.#readPart(path, handle, offset);
        yield* parts;
        const size = parts.reduce((sum, part) => sum + part.length, 0);
        if (size < chunkBytes) return;
        offset += size;
      }
    } finally {
      await this.#closeHandle(path, handle);
    }
  }

  /** Makes or replaces a file. */
  async writeFile(path: string, mode: number, content: Uint8Array): Promise<void> {
    const handle = await this.#openFile(path, { write: true, create: true, truncate: true, mode });
    try {
      await this.#writeAll(path, handle, oneChunk(content));
    } finally {
      await this.#closeHandle(path, handle);
    }
    await this.setAttributes(path, { mode });
  }

  async #stat(path: string, followSymlink: boolean): Promise<GuestFile> {
    const data = await this.#operate(path, { Stat: { path, follow_symlink: followSymlink } });
    return statAnswer(data);
  }

  async #setStat(path: string, attributes: GuestAttributes): Promise<void> {
    const attrs = {
      mode: attributes.mode ?? null,
      uid: attributes.userId ?? null,
      gid: attributes.groupId ?? null,
      size: null,
      atime: null,
      mtime: attributes.modifiedSeconds ?? null,
    };
    await this.#operate(path, { SetStat: { path, follow_symlink: false, attrs } });
  }

  async #openFile(path: string, options: OpenOptions): Promise<GuestFileHandle> {
    const every = {
      read: false,
      write: false,
      append: false,
      create: false,
      truncate: false,
      create_new: false,
    };
    const operation = { OpenFile: { path, options: { ...every, mode: null, ...options } } };
    return handleAnswer(await this.#operate(path, operation));
  }

  async #closeHandle(path: string, handle: GuestFileHandle): Promise<void> {
    await this.#operate(path, { CloseHandle: { handle } });
  }

  async #readPart(path: string, handle: GuestFileHandle, offset: number): Promise<readonly Uint8Array[]> {
    const exchange = await this.#agent.open("core.fs.request", {
      op: { Read: { handle, offset, len: chunkBytes } },
    });
    const parts: Uint8Array[] = [];
    for await (const { type, payload } of exchange) {
      if (type === "core.fs.data") parts.push(chunkAnswer(payload));
      else checkResponse(path, payload);
    }
    return parts;
  }

  async #writeAll(
    path: string,
    handle: GuestFileHandle,
    content: AsyncIterable<Uint8Array>,
  ): Promise<number> {
    const exchange = await this.#agent.open("core.fs.request", {
      op: { Write: { handle, offset: 0, len: null } },
    });
    let written = 0;
    let refused = false;
    // Listen from the start: a full disk is answered while the rest of the file is still being sent.
    const answer = awaitResponse(path, exchange).catch((error: unknown) => {
      refused = true;
      throw error;
    });
    answer.catch(() => undefined);
    for await (const chunk of content) {
      for (let at = 0; at < chunk.length && !refused; at += chunkBytes) {
        await exchange.send("core.fs.data", { data: asBuffer(chunk.subarray(at, at + chunkBytes)) });
      }
      written += chunk.length;
      if (refused) break;
    }
    if (!refused) await exchange.send("core.fs.data", { data: Buffer.alloc(0) });
    await answer;
    return written;
  }

  async #operate(path: string, op: unknown): Promise<unknown> {
    const { payload } = await this.#agent.request("core.fs.request", { op });
    return checkResponse(path, payload);
  }
}

interface OpenOptions {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly create?: boolean;
  readonly truncate?: boolean;
  readonly mode?: number;
}

async function* oneChunk(content: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield content;
}

async function awaitResponse(path: string, exchange: AgentExchange): Promise<void> {
  for await (const { type, payload } of exchange) {
    if (type === "core.fs.response") checkResponse(path, payload);
  }
}

/** CBOR's byte string is made of Buffers only, not of other views. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function missingAsUndefined(found: Promise<GuestFile>): Promise<GuestFile | undefined> {
  try {
    return await found;
  } catch (error) {
    const errno = guestErrno(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    throw error;
  }
}
