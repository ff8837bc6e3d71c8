import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type { CopyFile } from "../../../../../src/worker/local/copy/copy-tree.ts";
import { readAhead } from "../../../../../src/worker/local/copy/read-ahead.ts";
import { collect } from "../../../../support/collect.ts";

function file(sizeBytes: number, open: () => Promise<AsyncIterable<Uint8Array>>): CopyFile {
  const owner = { userId: 0, groupId: 0 };
  return { kind: "file", path: "f", mode: 0o644, owner, modifiedSeconds: null, sizeBytes, open };
}

test("some small files are read before they are asked for, large ones when it is their turn", async () => {
  const opened: number[] = [];
  const files = Array.from({ length: 40 }, (_, number) =>
    file(number === 3 ? 10_000_000 : 1, async () => {
      opened.push(number);
      return Readable.from([Buffer.from([number])]);
    }),
  );
  const reading = readAhead(files);
  expect(await reading.next()).toEqual({
    done: false,
    value: { file: files[0], content: [Buffer.from([0])] },
  });
  expect(opened).toEqual(Array.from({ length: 16 }, (_, number) => number).filter((number) => number !== 3));
  const rest: (readonly Uint8Array[] | null)[] = [];
  for await (const { content } of reading) rest.push(content);
  expect(rest).toEqual(
    Array.from({ length: 39 }, (_, index) => (index + 1 === 3 ? null : [Buffer.from([index + 1])])),
  );
  expect(opened).not.toContain(3);
});

test("a file that cannot be read ends it in its turn, after those before it", async () => {
  const good = file(1, async () => Readable.from([Buffer.from("1")]));
  const bad = file(1, async () => {
    throw new Error("gone");
  });
  const reading = readAhead([good, bad, good]);
  expect(await reading.next()).toMatchObject({ value: { file: good } });
  await expect(reading.next()).rejects.toThrow("gone");
});

test("of a file that has grown no more is held than shows it", async () => {
  const chunks = Array.from({ length: 10 }, () => Buffer.alloc(100_000));
  for (const sizeBytes of [1, 100_000, 200_000]) {
    const [read] = await collect(readAhead([file(sizeBytes, async () => Readable.from(chunks))]));
    const heldBytes = (read?.content ?? []).reduce((sum, { length }) => sum + length, 0);
    expect(heldBytes).toBeGreaterThan(sizeBytes);
    expect(heldBytes).toBeLessThanOrEqual(sizeBytes + 100_000);
  }
});
