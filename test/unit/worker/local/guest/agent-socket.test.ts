import { once } from "node:events";
import { stat } from "node:fs/promises";
import { connect, createConnection, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { AgentChannel } from "../../../../../src/worker/agents/agent-channel.ts";
import {
  agentFrame,
  agentPieceBytes,
  encodeAgentFrame,
} from "../../../../../src/worker/agents/agent-frames.ts";
import { exchange, startTestAgent, type TestAgent } from "../../../../support/agent-rig.ts";
import { canRunHelper, startCarrying } from "../../../../support/guest-helper.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

interface Carrying extends AsyncDisposable {
  readonly socketPath: string;
  connect(): Socket;
  /** Bytes straight to the helper. */
  send(bytes: Buffer): void;
  endInput(): void;
  readonly exit: Promise<unknown[]>;
}

const own = { userId: process.getuid?.() ?? 0, groupId: process.getgid?.() ?? 0 };

/** The helper, listening on a socket of this host, and the channel that carries its connections. */
async function carry(folder: string, connectToAgent: () => Duplex): Promise<Carrying> {
  const socketPath = join(folder, "socket");
  const child = await startCarrying(folder, [
    socketPath,
    String(0o640),
    String(own.userId),
    String(own.groupId),
  ]);
  const exit = once(child, "exit");
  const listening = Promise.withResolvers<void>();
  child.stdin.on("error", () => child.stdin.destroy());
  const channel = new AgentChannel({
    send: (frame) => void child.stdin.write(frame),
    connect: connectToAgent,
    onListening: listening.resolve,
  });
  child.stdout.on("data", (chunk: Buffer) => {
    if (!channel.receive(chunk)) throw new Error("the helper does not keep to the rules");
  });
  await Promise.race([listening.promise, exit.then(() => Promise.reject(new Error("it ended")))]);
  return {
    socketPath,
    connect: () => createConnection({ path: socketPath, allowHalfOpen: true }),
    send: (bytes) => void child.stdin.write(bytes),
    endInput: () => child.stdin.end(),
    exit,
    [Symbol.asyncDispose]: async () => {
      channel.close();
      child.stdin.end();
      await exit;
    },
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe.runIf(canRunHelper)("a socket in the guest", () => {
  const withAgent = async (
    agentOptions: Parameters<typeof startTestAgent>[1],
    use: (rig: { readonly agent: TestAgent; readonly carrying: Carrying }) => Promise<void>,
  ): Promise<void> => {
    await using folder = await temporaryFolder();
    await using agent = await startTestAgent(folder.path, agentOptions);
    await using carrying = await carry(folder.path, () => connect(agent.path));
    await use({ agent, carrying });
  };

  test("has the mode and owner that it was asked for", async () => {
    await withAgent({}, async ({ carrying }) => {
      const { mode, uid, gid } = await stat(carrying.socketPath);
      expect({ mode: mode & 0o7777, uid, gid }).toEqual({ mode: 0o640, uid: own.userId, gid: own.groupId });
    });
  });

  test("carries requests and answers larger than the window, unchanged, on connections side by side", async () => {
    await withAgent({}, async ({ agent, carrying }) => {
      const requests = Array.from({ length: 8 }, (_, at) => Buffer.alloc(400_001, `request ${at}\0`));
      const answers = await Promise.all(requests.map((bytes) => exchange(carrying.connect(), bytes)));
      expect(answers.every((answer, at) => answer.equals(requests[at] ?? answer.subarray(1)))).toBe(true);
      expect(agent.counts.accepted).toBe(8);
    });
  });

  test("takes connections one after the other, hundreds of them", async () => {
    await withAgent({}, async ({ carrying }) => {
      for (let count = 0; count < 300; count += 1) {
        expect((await exchange(carrying.connect(), `${count}`)).toString()).toBe(`${count}`);
      }
    });
  });

  test("lets more connections wait than it carries at a time", async () => {
    await withAgent({}, async ({ carrying }) => {
      const all = Array.from({ length: 50 }, (_, at) => exchange(carrying.connect(), `${at}`));
      expect((await Promise.all(all)).map(String)).toEqual(Array.from({ length: 50 }, (_, at) => `${at}`));
    });
  });

  test("lets go of the agent when the step's connection is closed without a word", async () => {
    await using folder = await temporaryFolder();
    await using agent = await startTestAgent(folder.path, {
      serve: (connection) => void connection.resume(),
    });
    const connected = Promise.withResolvers<Duplex>();
    await using carrying = await carry(folder.path, () => {
      const toAgent = agent.connect();
      connected.resolve(toAgent);
      return toAgent;
    });
    const connection = carrying.connect();
    connection.write("x");
    const toAgent = await connected.promise;
    const closed = once(toAgent, "close");
    connection.destroy();
    await closed;
  });

  test("closes the step's connection when the agent ends, and goes on with an agent that is there again", async () => {
    await using folder = await temporaryFolder();
    const agent = await startTestAgent(folder.path, { name: "first" });
    let path = agent.path;
    await using carrying = await carry(folder.path, () => connect(path));
    const connection = carrying.connect();
    connection.write("x");
    await once(connection, "data");
    const ended = once(connection.resume(), "end");
    await agent.stop();
    await ended;
    connection.destroy();
    // Nobody listens there any more.
    expect((await exchange(carrying.connect(), "")).length).toBe(0);
    await using again = await startTestAgent(folder.path, { name: "second" });
    path = again.path;
    expect((await exchange(carrying.connect(), "again")).toString()).toBe("again");
  });

  test("an answer arrives whole when the agent closes right after it", async () => {
    const answer = Buffer.alloc(200_000, "answer");
    await withAgent({ serve: (connection) => void connection.end(answer) }, async ({ carrying }) => {
      expect((await exchange(carrying.connect(), "")).equals(answer)).toBe(true);
    });
  });

  test("a reader that is slow makes the agent wait", async () => {
    let sentBytes = 0;
    const serve = (agentSide: Socket): void => {
      const more = (): void => {
        while (sentBytes < 8_000_000) {
          sentBytes += 50_000;
          if (!agentSide.write(Buffer.alloc(50_000))) {
            agentSide.once("drain", more);
            return;
          }
        }
        agentSide.end();
      };
      more();
    };
    await withAgent({ serve }, async ({ carrying }) => {
      const connection = carrying.connect();
      connection.pause();
      await once(connection, "connect");
      let before = -1;
      // As long as something moves; then everything is full.
      for (let quiet = 0; quiet < 200; quiet = sentBytes === before ? quiet + 1 : 0) {
        before = sentBytes;
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(sentBytes).toBeLessThan(2_000_000);
      let gotBytes = 0;
      for await (const chunk of connection) gotBytes += chunk.length;
      expect(gotBytes).toBe(8_000_000);
    });
  });

  test.each([
    ["a frame larger than frames are", Buffer.of(1, 0, 0, 0, 255, 255, 3, 0)],
    [
      "more data than the window allows",
      Buffer.concat(
        Array.from({ length: 6 }, () => encodeAgentFrame(1, agentFrame.data, Buffer.alloc(agentPieceBytes))),
      ),
    ],
  ])("ends when it is sent %s", async (_what, bytes) => {
    await withAgent({ serve: (connection) => void connection.pause() }, async ({ agent, carrying }) => {
      const connection = carrying.connect();
      connection.on("error", () => connection.destroy());
      connection.pause();
      await until(() => agent.counts.open === 1);
      // The step's side has to be full, or it would just be written there.
      for (let count = 0; count < 40; count += 1) carrying.send(bytes);
      await carrying.exit;
      connection.destroy();
    });
  });

  test("ends with its standard input, and every connection with it", async () => {
    await withAgent({}, async ({ carrying }) => {
      const connection = carrying.connect();
      connection.write("x");
      await once(connection, "data");
      const ended = once(connection.resume(), "end");
      carrying.endInput();
      expect(await carrying.exit).toEqual([0, null]);
      await ended;
      connection.destroy();
    });
  });

  test("that cannot be made ends the helper with a message", async () => {
    await using folder = await temporaryFolder();
    const child = await startCarrying(folder.path, [join(folder.path, "not-there/socket"), "0", "0", "0"]);
    expect(await once(child, "exit")).toEqual([1, null]);
  });
});
