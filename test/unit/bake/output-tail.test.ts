import { expect, test } from "vitest";
import { OutputTail } from "../../../src/bake/output-tail.ts";

test("lines are put together from pieces, each stream for itself", () => {
  const tail = new OutputTail();
  tail.add("stdout", "com");
  tail.add("stderr", "warning: x\nerr");
  tail.add("stdout", "piling\n");
  tail.add("stderr", "or");
  expect(tail.lines()).toEqual(["warning: x", "compiling", "error"]);
});

test("only the last lines are kept", () => {
  const tail = new OutputTail(3);
  for (let line = 1; line <= 100; line += 1) tail.add("stdout", `${line}\n`);
  expect(tail.lines()).toEqual(["98", "99", "100"]);
});

test("of an endless line only the end is kept", () => {
  const tail = new OutputTail();
  for (let piece = 0; piece < 1000; piece += 1) tail.add("stdout", "x".repeat(1000));
  tail.add("stdout", "end");
  const [line, ...more] = tail.lines();
  expect(more).toEqual([]);
  expect(line).toHaveLength(2000);
  expect(line).toMatch(/end$/);
});
