import { expect, test } from "vitest";
import {
  commandNotStarted,
  notADirectory,
  stepRefusal,
} from "../../../../../src/worker/local/guest/step-refused.ts";
import { GuestFileError } from "../../../../../src/worker/local/microvm/guest-file.ts";

test("a full builder disk and a refusing kernel are the step's outcomes, each with what to do", () => {
  expect(stepRefusal(new GuestFileError("/a", "ENOSPC", "No space left on device"))).toMatchObject({
    code: "NoSpaceLeft",
    message: "no space left on the builder's disk while writing /a",
    hint: expect.stringContaining("RESOURCES disk="),
  });
  expect(stepRefusal(new GuestFileError("/proc/x", "EROFS", "Read-only file system"))).toMatchObject({
    code: "GuestFileRefused",
    message: "/proc/x: Read-only file system",
    hint: expect.stringContaining("read-only"),
  });
  expect(stepRefusal(new GuestFileError("/x", "E95", "Operation not supported"))).toMatchObject({
    code: "GuestFileRefused",
    hint: expect.stringContaining("lightbox debug"),
  });
});

test("a step that is refused says what to do about it", () => {
  for (const refused of [commandNotStarted("/bin/app: No such file or directory"), notADirectory("/etc")]) {
    expect(stepRefusal(refused)).toMatchObject({ kind: "refused", hint: expect.stringMatching(/^ch/) });
  }
});

test("an error that is no refusal is not the step's outcome", () => {
  expect(stepRefusal(new Error("bug"))).toBeUndefined();
});
