import { expect, test } from "vitest";
import { Attempts } from "../../../../../src/worker/local/lineage/attempts.ts";

const exit = { kind: "exit", exitCode: 1 } as const;

function refused(code: string) {
  return { kind: "refused", code, message: "", hint: null } as const;
}

test("a step is started so often and no more, and keeps what the starts before printed", () => {
  const attempts = new Attempts(3);
  attempts.remember("first\n");
  expect(attempts.next(exit)).toBe(true);
  attempts.remember("second\n");
  expect(attempts.next(refused("StepTimedOut"))).toBe(true);
  expect(attempts.number).toBe(3);
  expect(attempts.earlierOutput).toBe("first\nsecond\n");
  expect(attempts.next(exit)).toBe(false);
});

test("what another start cannot mend is not tried again", () => {
  expect(new Attempts(3).next(refused("UnknownUser"))).toBe(false);
  expect(new Attempts(1).next(exit)).toBe(false);
});
