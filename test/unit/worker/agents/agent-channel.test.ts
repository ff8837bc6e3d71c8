import { once } from "node:events";
import { Duplex, PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { AgentChannel } from "../../../../src/worker/agents/agent-channel.ts";
import {
  AgentFrameReader,
  agentConnectionLimit,
  agentFrame,
  agentPieceBytes,
  agentWindowBytes,
  encodeAgentFrame,
  encodeCredit,
} from "../../../../src/worker/agents/agent-frames.ts";
import { exchange } from "../../../support/agent-rig.ts";

/** Two ends of a channel; frames are on their way for one turn of the event loop. */
function pairOfEnds(connect: (name: string) => Duplex): { opener: AgentChannel; connector: AgentChannel } {
  const later = (deliver: () => void) => setImmediate(deliver);
  const opener: AgentChannel = new AgentChannel({
    send: (frame) => later(() => connector.receive(frame)),
    connect: null,
  });
  const connector: AgentChannel = new AgentChannel({
    send: (frame) => later(() => opener.receive(frame)),
    connect,
  });
  return { opener, connector };
}

/** Takes nothing until it is told to. */
class SlowStream extends Duplex {
  takenBytes = 0;
  readonly #waiting: (() => void)[] = [];
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#waiting.push(() => {
      this.takenBytes += chunk.length;
      done();
    });
  }
  takeOne(): boolean {
    const take = this.#waiting.shift();
    take?.();
    return take !== undefined;
  }
}

describe("a channel to agents", () => {
  test("carries many connections side by side, each to the agent that is meant", async () => {
    const names: string[] = [];
    const { opener } = pairOfEnds((name) => {
      names.push(name);
      return new PassThrough();
    });
    const requests = ["one", "two", "three"].map((text) => Buffer.alloc(300_001, `${text}\0`));
    const answers = await Promise.all(requests.map((bytes, at) => exchange(opener.open(`a${at}`), bytes)));
    expect(answers.map((answer, at) => answer.equals(requests[at] ?? Buffer.alloc(0)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(names).toEqual(["a0", "a1", "a2"]);
  });

  test("has no more on its way than the window when nobody takes it", async () => {
    const slow = new SlowStream();
    let sentBytes = 0;
    let furthestAhead = 0;
    const { opener, connector } = pairOfEnds(() => slow);
    const stream = opener.open("");
    const total = 10 * agentWindowBytes;
    async function* source(): AsyncGenerator<Buffer> {
      while (sentBytes < total) {
        yield Buffer.alloc(10_000);
        sentBytes += 10_000;
      }
    }
    const reading = (async () => {
      for await (const chunk of source()) if (!stream.write(chunk)) await once(stream, "drain");
    })();
    while (slow.takenBytes < total) {
      await new Promise((resolve) => setImmediate(resolve));
      furthestAhead = Math.max(furthestAhead, sentBytes - slow.takenBytes);
      if (slow.takeOne()) furthestAhead = Math.max(furthestAhead, sentBytes - slow.takenBytes);
    }
    await reading;
    // The streams at both ends keep something, too.
    expect(furthestAhead).toBeLessThanOrEqual(
      agentWindowBytes + agentPieceBytes + 2 * stream.writableHighWaterMark + 20_000,
    );
    connector.close();
  });

  test("an agent that dies breaks its connections off and leaves the others", async () => {
    const agents: PassThrough[] = [];
    const { opener } = pairOfEnds(() => {
      const agent = new PassThrough();
      agents.push(agent);
      return agent;
    });
    const [dying, other] = [opener.open("dying"), opener.open("other")];
    dying.on("error", () => {});
    dying.write("x");
    await once(dying, "data");
    const closed = once(dying.resume(), "close");
    agents[0]?.destroy(new Error("dead"));
    await closed;
    expect((await exchange(other, "still there")).toString()).toBe("still there");
  });

  test("what was sent before a connection was closed still arrives", async () => {
    const got = Promise.withResolvers<Buffer>();
    const { opener } = pairOfEnds(() => {
      const agent = new PassThrough();
      got.resolve(buffer(agent));
      return agent;
    });
    const stream = opener.open("");
    stream.resume().end(Buffer.alloc(50_000, 1), () => stream.destroy());
    expect((await got.promise).length).toBe(50_000);
  });

  test("that is closed ends all connections, and opens none", async () => {
    const { opener, connector } = pairOfEnds(() => new PassThrough());
    const stream = opener.open("");
    stream.write("x");
    await once(stream, "data");
    opener.close();
    if (!stream.closed) await once(stream, "close");
    expect(opener.open("").destroyed).toBe(true);
    connector.close();
  });

  const opening = encodeAgentFrame(1, agentFrame.open);
  const piece = encodeAgentFrame(1, agentFrame.data, Buffer.alloc(agentPieceBytes));
  test.each([
    ["more data than the window allows", [opening, ...Array.from({ length: 6 }, () => piece)]],
    ["data after the end", [opening, encodeAgentFrame(1, agentFrame.end), piece]],
    ["a connection twice", [opening, opening]],
    ["a frame of no known kind", [opening, Buffer.of(1, 0, 0, 0, 0, 0, 99, 0)]],
    ["credit that is no number", [opening, encodeAgentFrame(1, agentFrame.credit, Buffer.of(1))]],
    ["a frame larger than frames are", [Buffer.of(1, 0, 0, 0, 255, 255, 3, 0)]],
  ])("%s from the other side closes it", (_what, frames) => {
    const stream = new SlowStream();
    const channel = new AgentChannel({ send: () => {}, connect: () => stream });
    const answers = frames.map((frame) => channel.receive(frame));
    expect(answers.filter((isFine) => !isFine)).toHaveLength(1);
    expect(answers.at(-1)).toBe(false);
    if (frames[0] === opening) expect(stream.destroyed).toBe(true);
  });

  test("an agent that cannot be connected to is a connection that closes", async () => {
    const { opener } = pairOfEnds(() => {
      throw new Error("no such agent");
    });
    const stream = opener.open("");
    stream.resume();
    await once(stream, "close");
  });

  test("the side that opens connections lets the other open none", () => {
    const channel = new AgentChannel({ send: () => {}, connect: null });
    expect(channel.receive(opening)).toBe(false);
  });

  test("more connections than it takes are closed at once", () => {
    const sent: Buffer[] = [];
    let connections = 0;
    const channel = new AgentChannel({
      send: (frame) => void sent.push(frame),
      connect: () => {
        connections += 1;
        return new SlowStream();
      },
    });
    for (let id = 1; id <= agentConnectionLimit + 1; id += 1) {
      expect(channel.receive(encodeAgentFrame(id, agentFrame.open))).toBe(true);
    }
    expect(connections).toBe(agentConnectionLimit);
    expect(sent).toEqual([encodeAgentFrame(agentConnectionLimit + 1, agentFrame.close)]);
    channel.close();
  });

  test("frames for a connection that is gone already mean nothing", () => {
    const channel = new AgentChannel({ send: () => {}, connect: null });
    for (const kind of [agentFrame.data, agentFrame.end, agentFrame.close, agentFrame.credit]) {
      expect(channel.receive(encodeAgentFrame(7, kind))).toBe(true);
    }
  });
});

test("frames are read from a stream that is cut anywhere", () => {
  const written = [
    encodeAgentFrame(1, agentFrame.open, Buffer.from("default")),
    encodeAgentFrame(0xffff_fffe, agentFrame.credit, encodeCredit(0x8000_0000)),
    encodeAgentFrame(1, agentFrame.end),
  ];
  const stream = Buffer.concat(written);
  for (const size of [1, 7, 8, 9, 100]) {
    const reader = new AgentFrameReader();
    const frames = [];
    for (let at = 0; at < stream.length; at += size) {
      frames.push(...(reader.read(stream.subarray(at, at + size)) ?? []));
    }
    expect(
      frames.map(({ connection, kind, payload }) => [connection, kind, payload.toString("hex")]),
    ).toEqual([
      [1, agentFrame.open, Buffer.from("default").toString("hex")],
      [0xffff_fffe, agentFrame.credit, "00000080"],
      [1, agentFrame.end, ""],
    ]);
  }
});
