import { expect, test } from "vitest";
import { execPieceBytes, execWindowBytes } from "../../../../src/worker/remote/exec-frames.ts";
import type { ExecExit, ExecRequest, ExecStreams, TerminalSize } from "../../../../src/worker/worker.ts";
import { FakeWorker } from "../../../support/fake-worker.ts";
import { type RemoteRig, startProxiedRig, startRemoteRig } from "../../../support/remote-rig.ts";
import { execute, forever, launchRequest, publishRequest } from "../contract/contract-rig.ts";
import { testImage } from "./test-image.ts";

const sandbox = "box";

/** A worker with a sandbox, whose commands may be replaced by a function. */
class ExecWorker extends FakeWorker {
  command: ((streams: ExecStreams, signal: AbortSignal) => Promise<number>) | undefined;

  override async execInSandbox(
    request: ExecRequest,
    streams: ExecStreams,
    signal: AbortSignal,
  ): Promise<ExecExit> {
    if (this.command === undefined) return await super.execInSandbox(request, streams, signal);
    return { exitCode: await this.command(streams, signal) };
  }
}

async function startRig(): Promise<RemoteRig & { readonly fake: ExecWorker }> {
  const fake = new ExecWorker({ images: [testImage.digest] });
  const rig = await startRemoteRig(fake);
  await rig.remote.publishSnapshot(
    publishRequest({ image: testImage, diskSizeMib: 1 }, "app", null),
    forever,
  );
  await rig.remote.launchSandbox(launchRequest(sandbox, "app"), forever);
  return { ...rig, fake };
}

const request: ExecRequest = {
  sandbox,
  argv: ["anything"],
  environment: {},
  workingDirectory: null,
  user: null,
  terminal: null,
  detachedOutput: null,
};

function nextTurn(): Promise<void> {
  const turn = Promise.withResolvers<void>();
  setImmediate(turn.resolve);
  return turn.promise;
}

test("megabytes go in and come out unchanged", async () => {
  await using rig = await startRig();
  const input = Buffer.alloc(12 * 1024 * 1024, "all the bytes \0\xff\n");
  async function* stdin() {
    for (let at = 0; at < input.length; at += 300_001) yield input.subarray(at, at + 300_001);
  }
  const result = await execute(rig.remote, { sandbox, argv: ["cat"] }, { stdin: stdin() });
  expect(result.stdout.equals(input)).toBe(true);
  expect(result.exitCode).toBe(0);
});

test("a reader that is slow makes the command wait", async () => {
  await using rig = await startRig();
  const total = 8 * 1024 * 1024;
  let produced = 0;
  let consumed = 0;
  let furthestAhead = 0;
  rig.fake.command = async (streams) => {
    while (produced < total) {
      await streams.stdout(Buffer.alloc(10_000));
      produced += 10_000;
      furthestAhead = Math.max(furthestAhead, produced - consumed);
    }
    return 0;
  };
  await rig.remote.execInSandbox(
    request,
    {
      stdin: null,
      resizes: null,
      stdout: async (chunk) => {
        await nextTurn();
        consumed += chunk.length;
      },
      stderr: () => {},
    },
    forever,
  );
  expect(consumed).toBe(produced);
  expect(furthestAhead).toBeLessThanOrEqual(execWindowBytes + execPieceBytes);
});

test("a command that reads slowly makes the sender wait", async () => {
  await using rig = await startRig();
  let sent = 0;
  let received = 0;
  let furthestAhead = 0;
  rig.fake.command = async (streams) => {
    for await (const chunk of streams.stdin ?? []) {
      await nextTurn();
      received += chunk.length;
    }
    return 0;
  };
  async function* stdin() {
    for (let count = 0; count < 800; count += 1) {
      yield Buffer.alloc(10_000);
      sent += 10_000;
      furthestAhead = Math.max(furthestAhead, sent - received);
    }
  }
  const streams = { stdin: stdin(), resizes: null, stdout: () => {}, stderr: () => {} };
  await rig.remote.execInSandbox(request, streams, forever);
  expect(received).toBe(8_000_000);
  expect(furthestAhead).toBeLessThanOrEqual(execWindowBytes + execPieceBytes);
});

test("a terminal's sizes reach the command, also while it reads no input", async () => {
  await using rig = await startRig();
  async function* resizes(): AsyncGenerator<TerminalSize> {
    yield { rows: 24, columns: 80 };
    await nextTurn();
    yield { rows: 65_535, columns: 1 };
  }
  const full = [Buffer.alloc(2 * execWindowBytes)];
  const { stdout } = await execute(
    rig.remote,
    { sandbox, argv: ["resizes", "2"], terminal: { rows: 24, columns: 80 } },
    {
      resizes: resizes(),
      stdin: (async function* () {
        yield* full;
      })(),
    },
  );
  expect(stdout.toString()).toBe("24x80\n65535x1\n");
});

test("every exit code arrives", async () => {
  await using rig = await startRig();
  for (const exitCode of [0, 1, 126, 137, 255]) {
    const result = await execute(rig.remote, { sandbox, argv: ["sh", "-c", `exit ${exitCode}`] });
    expect(result.exitCode).toBe(exitCode);
  }
});

test("a command that ends leaves input unread without harm", async () => {
  await using rig = await startRig();
  let isReturned = false;
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) yield Buffer.alloc(100_000);
    } finally {
      isReturned = true;
    }
  }
  const result = await execute(rig.remote, { sandbox, argv: ["echo", "done"] }, { stdin: endless() });
  expect(result.stdout.toString()).toBe("done\n");
  await nextTurn();
  expect(isReturned).toBe(true);
});

test("input that throws ends the command and is the caller's error", async () => {
  await using rig = await startRig();
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from("a");
    throw new Error("the terminal is gone");
  }
  const ended = Promise.withResolvers<unknown>();
  rig.fake.command = async (streams) => {
    try {
      for await (const _chunk of streams.stdin ?? []) await nextTurn();
      return 0;
    } catch (error) {
      ended.resolve(error);
      throw error;
    }
  };
  const running = execute(rig.remote, { sandbox, argv: ["cat"] }, { stdin: broken() });
  await expect(running).rejects.toThrow("the terminal is gone");
  expect(await ended.promise).toMatchObject({ category: "cancelled" });
});

test("names with any characters reach the worker", async () => {
  await using rig = await startRig();
  const name = "team/box ü?#%";
  await rig.remote.launchSandbox(launchRequest(name, "app"), forever);
  const { stdout } = await execute(rig.remote, { sandbox: name, argv: ["echo", "here"] });
  expect(stdout.toString()).toBe("here\n");
  await rig.remote.removeSandbox(name, { force: true }, forever);
  expect((await rig.remote.listSandboxes(forever)).map((box) => box.name)).toEqual([sandbox]);
});

test("a lost connection ends the call, and the command on the worker", async () => {
  const fake = new ExecWorker({ images: [testImage.digest] });
  await using rig = await startProxiedRig(fake);
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  fake.command = async (_streams, signal) => {
    signal.addEventListener("abort", () => ended.resolve());
    started.resolve();
    await ended.promise;
    return 0;
  };
  const running = execute(rig.remote, { sandbox, argv: ["sleep"] });
  const refused = expect(running).rejects.toMatchObject({ code: "WorkerConnectionLost" });
  await started.promise;
  rig.proxy.cut();
  await refused;
  await ended.promise;
});

test("closing the server ends commands and says so", async () => {
  await using rig = await startRig();
  const started = Promise.withResolvers<void>();
  const running = rig.remote.execInSandbox(
    { ...request, argv: ["sh", "-c", "echo started; sleep 1000"] },
    { stdin: null, resizes: null, stdout: () => started.resolve(), stderr: () => {} },
    forever,
  );
  const refused = expect(running).rejects.toMatchObject({ code: "WorkerStopped" });
  await started.promise;
  expect(rig.activity.at(-1)).toMatchObject({ isBusy: true, execs: 1 });
  await rig.server.close();
  await refused;
  expect(rig.activity.at(-1)).toMatchObject({ isBusy: false, execs: 0 });
});
