import { expect, test } from "vitest";
import { defaultNameOf } from "../../../src/sandboxes/default-name.ts";

test("a sandbox that nobody named is called after its snapshot, and no two the same", () => {
  expect(defaultNameOf("web")).toMatch(/^web-[0-9a-f]{6}$/);
  expect(defaultNameOf("web@previous")).toMatch(/^web-[0-9a-f]{6}$/);
  expect(defaultNameOf("team/web.api")).toMatch(/^team-web-api-[0-9a-f]{6}$/);
  expect(defaultNameOf("web")).not.toBe(defaultNameOf("web"));
});
