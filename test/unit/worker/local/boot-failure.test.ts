import { expect, test } from "vitest";
import { startFailure } from "../../../../src/worker/local/boot-failure.ts";

const details = { timedOut: false, bootTimeoutMs: 120_000, log: "", memoryMib: 512 };

test("a host without virtualization, or without memory, is told from any other trouble", () => {
  const kvm = startFailure({ ...details, error: new Error("cannot open /dev/kvm: no such file") });
  expect(kvm.code).toBe("VirtualizationUnavailable");
  const memory = startFailure({ ...details, error: new Error("mmap: Cannot allocate memory") });
  expect(memory).toMatchObject({ code: "NoMemoryForBuilder", message: expect.stringContaining("512 MiB") });
});

test("a start that hangs says how long it took and shows the log's end", () => {
  const failure = startFailure({ ...details, error: new Error("x"), timedOut: true, log: "panic: no init" });
  expect(failure.code).toBe("BuilderDidNotStart");
  expect(failure.message).toContain("within 120 s");
  expect(failure.hint).toContain("panic: no init");
});
