import { expect, test } from "vitest";
import { Failure } from "../../../src/diagnostics/failure.ts";
import { noSpaceLeft } from "../../../src/diagnostics/no-space-left.ts";

test("a full disk is a failure of the environment that names the folder", () => {
  const cause = Object.assign(new Error("write"), { code: "ENOSPC" });
  const failure = noSpaceLeft(cause, "/home/downloads");
  expect(failure).toBeInstanceOf(Failure);
  expect(failure).toMatchObject({
    code: "NoSpaceLeft",
    category: "environment",
    message: "no space is left for /home/downloads",
    cause,
  });
});

test("other errors are left as they are", () => {
  const error = Object.assign(new Error("open"), { code: "EACCES" });
  expect(noSpaceLeft(error, "/home/downloads")).toBe(error);
});
