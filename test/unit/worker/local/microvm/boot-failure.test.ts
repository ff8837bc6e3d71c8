import { expect, test } from "vitest";
import { startFailure } from "../../../../../src/worker/local/microvm/boot-failure.ts";

const details = { timedOut: false, bootTimeoutMs: 120_000, log: "", memoryMib: 512 };

test("a host without virtualization, or without memory, is told from any other trouble", () => {
  const kvm = startFailure({ ...details, error: new Error("cannot open /dev/kvm: no such file") });
  expect(kvm.code).toBe("VirtualizationUnavailable");
  const memory = startFailure({ ...details, error: new Error("mmap: Cannot allocate memory") });
  expect(memory).toMatchObject({ code: "NoMemoryForBuilder", message: expect.stringContaining("512 MiB") });
});

const started = `INFO microsandbox_runtime::vm: sandbox starting sandbox=lightbox-build-1
INFO microsandbox_runtime::vm: entering VM sandbox=lightbox-build-1
`;
const exited = (how: string) =>
  new Error(
    `failed to start "lightbox-build-1": sandbox process exited (${how}) before agent relay became available`,
  );

test("a monitor that cannot create a virtual machine means that the host cannot run any", () => {
  const log = `${started}thread 'main' (151) panicked at vstate.rs:453:30:\nError creating the Kvm object: Error(2)`;
  const failure = startFailure({ ...details, error: exited("signal: 6 (SIGABRT)"), log });
  expect(failure.code).toBe("VirtualizationUnavailable");
});

test.each([
  "INFO microsandbox_runtime::vm: host placement acknowledged before guest execution pinned_vcpus=0\nerror: KVM stopped",
  "[    0.512345] clocksource: timekeeping watchdog on CPU0: 'kvm-clock' is unstable",
  "INFO msb_krun_vmm::linux::vstate: Received KVM_EXIT_SHUTDOWN signal /dev/kvm",
])("a guest that crashes in its boot is no host without virtualization: %s", (line) => {
  const failure = startFailure({ ...details, error: exited("exit status: 0"), log: started + line });
  expect(failure.code).toBe("BuilderDidNotStart");
});

test("a start that hangs says how long it took and shows the log's end", () => {
  const failure = startFailure({ ...details, error: new Error("x"), timedOut: true, log: "panic: no init" });
  expect(failure.code).toBe("BuilderDidNotStart");
  expect(failure.message).toContain("within 120 s");
  expect(failure.hint).toContain("panic: no init");
});
