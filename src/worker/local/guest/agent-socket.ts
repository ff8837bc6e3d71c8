import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { Failure } from "../../../diagnostics/failure.ts";
import { AgentChannel } from "../../agents/agent-channel.ts";
import { microVmLost } from "../microvm/guest-agent.ts";
import type { GuestProcess } from "../microvm/guest-process.ts";
import { guestHelperPath, type MicroVm } from "../microvm/micro-vm.ts";

export interface AgentSocketOptions {
  /** Absolute guest path, in a directory that only root can enter. */
  readonly path: string;
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  /** To the agent of the client. */
  connect(): Duplex;
}

/** Frames that wait for the guest; more than the windows of all connections allow means that it does not take any. */
const waitingLimitBytes = 32 * 1024 * 1024;
/** Largest part in one message. */
const chunkBytes = 256 * 1024;

/**
 * A socket in the guest, each connection to which is one to an agent of the client. It ends when it is disposed, or with
 * everything else that runs in the guest.
 */
export class AgentSocket implements AsyncDisposable {
  readonly #process: GuestProcess;
  readonly #channel: AgentChannel;
  readonly #carrying: Promise<void>;
  readonly #listening = Promise.withResolvers<void>();
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #hasEnded = false;

  private constructor(vm: MicroVm, process: GuestProcess, { connect }: AgentSocketOptions) {
    this.#process = process;
    this.#channel = new AgentChannel({
      send: (frame) => this.#send(frame),
      connect,
      onListening: () => this.#listening.resolve(),
    });
    this.#carrying = this.#carry(vm);
    // Awaited when it is disposed.
    this.#carrying.catch((error: unknown) => this.#listening.reject(error));
  }

  /** Resolves when it can be connected to. */
  static async listen(vm: MicroVm, options: AgentSocketOptions): Promise<AgentSocket> {
    const { path, mode, userId, groupId } = options;
    const process = await vm.start({
      program: guestHelperPath,
      arguments: ["carry", path, String(mode), String(userId), String(groupId)],
      environment: [],
      terminal: null,
    });
    const socket = new AgentSocket(vm, process, options);
    await socket.#listening.promise;
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close();
    await this.#endInput();
    await this.#carrying;
  }

  /** Until the helper ends; connections that are left end with it. */
  async #carry(vm: MicroVm): Promise<void> {
    let message = "";
    try {
      for await (const event of this.#process) {
        if (event.kind === "not-started") throw new Error(`internal error: ${event.message}`);
        if (event.kind === "output" && event.stream === "stderr") {
          message = Buffer.from(event.bytes).toString("utf8");
        }
        if (event.kind === "output" && event.stream === "stdout" && !this.#channel.receive(event.bytes)) {
          await this.#endInput();
        }
        if (event.kind === "exited") {
          this.#listening.reject(new Error(`internal error: no socket for an ssh agent: ${message}`));
          return;
        }
      }
      throw microVmLost(vm.name);
    } finally {
      this.#hasEnded = true;
      this.#channel.close();
    }
  }

  #send(frame: Buffer): void {
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
    if (this.#waitingBytes > waitingLimitBytes) this.#channel.close();
    else if (!this.#isWriting) void this.#write();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#waiting.length > 0 && !this.#hasEnded) {
        const bytes = Buffer.concat(this.#waiting);
        this.#waiting = [];
        for (let at = 0; at < bytes.length && !this.#hasEnded; at += chunkBytes) {
          const chunk = bytes.subarray(at, at + chunkBytes);
          await this.#process.writeInput(chunk);
          this.#waitingBytes -= chunk.length;
        }
      }
    } catch (error) {
      ignoreLoss(error);
    } finally {
      this.#isWriting = false;
    }
  }

  async #endInput(): Promise<void> {
    if (this.#hasEnded) return;
    try {
      await this.#process.endInput();
    } catch (error) {
      ignoreLoss(error);
    }
  }
}

/** That the microVM is gone is told by the step, which ends with it. */
function ignoreLoss(error: unknown): void {
  if (!(error instanceof Failure) || error.code !== "MicroVmLost") throw error;
}
