import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { EventWriter, waitingOutputLimit } from "../../../../src/worker/remote/event-writer.ts";
import type { LineageEvent } from "../../../../src/worker/worker.ts";

/** A stream whose reader takes a piece only when told. */
class StuckStream extends Writable {
  readonly taken: string[] = [];
  #waiting: (() => void) | undefined;
  #isOpen = false;

  constructor() {
    super({ highWaterMark: 1024 });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.taken.push(chunk.toString());
    if (this.#isOpen) done();
    else this.#waiting = done;
  }

  open(): void {
    this.#isOpen = true;
    this.#waiting?.();
  }

  get lines(): unknown[] {
    const lines = this.taken.join("").trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line));
  }
}

function output(text: string, stream: "stdout" | "stderr" = "stdout", index = 0): LineageEvent {
  return { kind: "step-output", index, stream, text };
}

const last = { outcome: { kind: "step-failed", index: 0, reason: { kind: "exit", exitCode: 1 } } } as const;
const end = { outcome: { ...last.outcome, debugLayer: null, keptBuilder: null } };

test("output waiting for a stuck reader is bounded, however it is cut", () => {
  for (const pieceLength of [1, 100, 64 * 1024]) {
    const writer = new EventWriter(new StuckStream());
    const piece = "x".repeat(pieceLength);
    let highest = 0;
    for (let written = 0; written < 8 * waitingOutputLimit; written += Math.max(pieceLength, 256)) {
      writer.writeEvent(output(piece, written % 512 === 0 ? "stdout" : "stderr"));
      highest = Math.max(highest, writer.waitingOutput);
    }
    expect(highest).toBeLessThanOrEqual(waitingOutputLimit + pieceLength + 256);
  }
});

test("what is not output always arrives, in order, and so does the end of the output", async () => {
  const stream = new StuckStream();
  const writer = new EventWriter(stream);
  const kilobyte = "z".repeat(1024);
  for (let index = 0; index < 20; index += 1) {
    writer.writeEvent({ kind: "step-started", index });
    for (let count = 0; count < 200; count += 1) writer.writeEvent(output(kilobyte, "stdout", index));
    writer.writeEvent({ kind: "step-completed", index, durationMs: index });
  }
  writer.writeEvent(output("goodbye", "stderr", 19));
  const ended = writer.end(end);
  stream.open();
  await ended;
  const others = stream.lines.filter((line) => !JSON.stringify(line).includes("step-output"));
  const expected = Array.from({ length: 20 }, (_, index) => [
    { event: { kind: "step-started", index } },
    { event: { kind: "step-completed", index, durationMs: index } },
  ]);
  expect(others).toEqual([...expected.flat(), end]);
  expect(stream.lines.at(-2)).toEqual({ event: output("goodbye", "stderr", 19) });
});

test("small pieces of output are joined, but never across streams or steps", async () => {
  const stream = new StuckStream();
  stream.open();
  const writer = new EventWriter(stream);
  writer.writeEvent(output("a"));
  writer.writeEvent(output("b"));
  writer.writeEvent(output("c", "stderr"));
  writer.writeEvent(output("d", "stderr", 1));
  writer.beat();
  await writer.end(end);
  expect(stream.lines).toEqual([
    { event: output("ab") },
    { event: output("c", "stderr") },
    { event: output("d", "stderr", 1) },
    end,
  ]);
});

test("a reader that keeps up misses nothing", async () => {
  const stream = new StuckStream();
  stream.open();
  const writer = new EventWriter(stream);
  const piece = "@".repeat(256 * 1024);
  for (let count = 0; count < 32; count += 1) {
    writer.writeEvent(output(piece));
    const turn = Promise.withResolvers<void>();
    setImmediate(turn.resolve);
    await turn.promise;
  }
  await writer.end(end);
  expect(stream.taken.join("").split("@").length - 1).toBe(32 * piece.length);
});

test("ending does not wait for a reader that has gone", async () => {
  const stream = new StuckStream();
  const writer = new EventWriter(stream);
  for (let count = 0; count < 10; count += 1) writer.writeEvent(output("x".repeat(4096)));
  const ended = writer.end(end);
  stream.destroy();
  await ended;
  expect(stream.destroyed).toBe(true);
});
