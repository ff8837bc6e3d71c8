import * as v from "valibot";
import type { AgentExchange, GuestAgent } from "./guest-agent.ts";

export interface GuestCommand {
  readonly program: string;
  readonly arguments: readonly string[];
  /** `NAME=VALUE`, added to the agent's own environment. */
  readonly environment: readonly string[];
  readonly terminal: { readonly rows: number; readonly columns: number } | null;
}

export type GuestProcessEvent =
  | { readonly kind: "started" }
  | { readonly kind: "output"; readonly stream: "stdout" | "stderr"; readonly bytes: Uint8Array }
  /** -1 when a signal ended the program itself. */
  | { readonly kind: "exited"; readonly exitCode: number }
  | { readonly kind: "not-started"; readonly message: string };

const chunkSchema = v.object({ data: v.instance(Uint8Array) });
const exitSchema = v.object({ code: v.number() });
const failureSchema = v.object({ message: v.string() });

/** A program in the guest, started as root with its standard input open. */
export class GuestProcess implements AsyncIterable<GuestProcessEvent> {
  readonly #exchange: AgentExchange;

  private constructor(exchange: AgentExchange) {
    this.#exchange = exchange;
  }

  static async start(agent: GuestAgent, command: GuestCommand): Promise<GuestProcess> {
    const exchange = await agent.open("core.exec.request", {
      cmd: command.program,
      args: command.arguments,
      // Without a home the agent looks root up in /etc/passwd, which a guest need not have.
      env: [...command.environment, "HOME=/"],
      cwd: "/",
      tty: command.terminal !== null,
      rows: command.terminal?.rows ?? 24,
      cols: command.terminal?.columns ?? 80,
      rlimits: [],
    });
    return new GuestProcess(exchange);
  }

  async writeInput(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) await this.#exchange.send("core.exec.stdin", { data: Buffer.from(bytes) });
  }

  async endInput(): Promise<void> {
    await this.#exchange.send("core.exec.stdin", { data: Buffer.alloc(0) });
  }

  async resize(rows: number, columns: number): Promise<void> {
    await this.#exchange.send("core.exec.resize", { rows, cols: columns });
  }

  /** To the program and everything in its process group. */
  async signal(number: number): Promise<void> {
    await this.#exchange.send("core.exec.signal", { signal: number });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GuestProcessEvent, void, undefined> {
    for await (const { type, payload } of this.#exchange) {
      const event = processEvent(type, payload);
      if (event !== undefined) yield event;
    }
  }
}

function processEvent(type: string, payload: unknown): GuestProcessEvent | undefined {
  switch (type) {
    case "core.exec.started":
      return { kind: "started" };
    case "core.exec.stdout":
      return { kind: "output", stream: "stdout", bytes: v.parse(chunkSchema, payload).data };
    case "core.exec.stderr":
      return { kind: "output", stream: "stderr", bytes: v.parse(chunkSchema, payload).data };
    case "core.exec.exited":
      return { kind: "exited", exitCode: v.parse(exitSchema, payload).code };
    case "core.exec.failed":
      return { kind: "not-started", message: v.parse(failureSchema, payload).message };
    case "core.error":
      return { kind: "not-started", message: v.parse(failureSchema, payload).message };
    default:
      // Such as a standard input that the program has closed: it says nothing about the program's end.
      return undefined;
  }
}
