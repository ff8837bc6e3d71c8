import { expect, test } from "vitest";
import { withoutRuntimeProfile } from "../../../../../src/worker/local/guest/runtime-files.ts";

const block = "# >>> microsandbox scripts path >>>\nexport PATH\n# <<< microsandbox scripts path <<<\n";

test("the runtime's lines go out of /etc/profile, everyone else's stay", () => {
  expect(withoutRuntimeProfile(`umask 022\n${block}`)).toBe("umask 022\n");
  expect(withoutRuntimeProfile(`umask 022\n${block}export X=1\n`)).toBe("umask 022\nexport X=1\n");
  expect(withoutRuntimeProfile(block)).toBe("");
});

test("a profile without them stays as it is", () => {
  expect(withoutRuntimeProfile("umask 022")).toBe("umask 022");
});
