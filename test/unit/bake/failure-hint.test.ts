import { expect, test } from "vitest";
import { failureHint } from "../../../src/bake/failure-hint.ts";

const reason = { kind: "exit", exitCode: 127 } as const;
const shell = { kind: "argv", argv: ["/bin/sh", "-c", "make"] } as const;

test("a program that the guest does not have is named, with what to do", () => {
  const outputTail = ["before", "lightbox: /bin/sh: not found"];
  expect(failureHint({ reason, command: shell, outputTail })).toMatch(/^the stage has no \/bin\/sh, /);
});

test("what a command itself does not find has no hint", () => {
  for (const outputTail of [["/bin/sh: make: not found"], ["lightbox: make: not found"], []])
    expect(failureHint({ reason, command: shell, outputTail })).toBeNull();
});

test("a step that is no command, or ended in another way, has no hint", () => {
  const outputTail = ["lightbox: /bin/sh: not found"];
  expect(failureHint({ reason, command: null, outputTail })).toBeNull();
  const refused = { kind: "refused", code: "StepTimedOut", message: "it took too long", hint: null } as const;
  expect(failureHint({ reason: refused, command: shell, outputTail })).toBeNull();
});
