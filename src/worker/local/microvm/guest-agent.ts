import { decode, encode } from "cbor-x";
import * as v from "valibot";
import { Failure } from "../../../diagnostics/failure.ts";
import type { AgentClient } from "./microsandbox.ts";

/** Generation of the agent protocol that these messages belong to. */
const protocolGeneration = 7;
const sessionStart = 2;

const envelope = v.object({ t: v.string(), p: v.instance(Uint8Array) });

/** A message from the guest's agent, payload decoded but not yet checked. */
export interface AgentMessage {
  readonly type: string;
  readonly payload: unknown;
}

/** An exchange in which the guest may answer with many messages. */
export interface AgentExchange extends AsyncIterable<AgentMessage> {
  send(type: string, payload: unknown): Promise<void>;
}

/**
 * Messages to and from the agent that microsandbox runs as the guest's first process: CBOR maps
 * `{v, t: type, p: payload bytes}` in the SDK's raw frames.
 */
export class GuestAgent implements AsyncDisposable {
  /** Name of the microVM, for messages. */
  readonly name: string;
  readonly #client: AgentClient;

  constructor(name: string, client: AgentClient) {
    this.name = name;
    this.#client = client;
  }

  /** For exchanges that have exactly one answer. */
  async request(type: string, payload: unknown): Promise<AgentMessage> {
    const request = this.#client.request(sessionStart, message(type, payload));
    return readMessage((await this.#orLost(request)).body);
  }

  async open(type: string, payload: unknown): Promise<AgentExchange> {
    const client = this.#client;
    const stream = await this.#orLost(client.stream(sessionStart, message(type, payload)));
    return {
      send: (followType, followPayload) =>
        this.#orLost(client.send(stream.id, 0, message(followType, followPayload))),
      async *[Symbol.asyncIterator]() {
        for await (const frame of stream) yield readMessage(frame.body);
      },
    };
  }

  /** The client fails only when the connection does; what the guest refuses comes as an answer. */
  async #orLost<Result>(action: Promise<Result>): Promise<Result> {
    try {
      return await action;
    } catch (error) {
      throw microVmLost(this.name, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}

/** A microVM that ended while something was going on in it. */
export function microVmLost(name: string, cause?: unknown): Failure {
  return new Failure({
    code: "MicroVmLost",
    category: "environment",
    message: `the microVM ${name} ended unexpectedly${cause instanceof Error ? `: ${cause.message}` : ""}`,
    hint: "somebody stopped it, or it ran out of memory: give a builder more with `RESOURCES memory=…`, a sandbox with `lightbox run --memory`",
    cause,
  });
}

function message(type: string, payload: unknown): Buffer {
  return encode({ v: protocolGeneration, t: type, p: encode(payload) });
}

function readMessage(body: Uint8Array): AgentMessage {
  const { t, p } = v.parse(envelope, decode(body));
  return { type: t, payload: decode(p) };
}
