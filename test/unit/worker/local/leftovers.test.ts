import { expect, test } from "vitest";
import { builderOwner } from "../../../../src/worker/local/leftovers.ts";

test("a builder's name tells whose it is, and no other name is taken for a builder's", () => {
  expect(builderOwner("lightbox-build-123-0a1b2c3d")).toBe(123);
  expect(builderOwner("lightbox-build-123")).toBeUndefined();
  expect(builderOwner("lightbox-build-mine-0a1b2c3d")).toBeUndefined();
  expect(builderOwner("my-build-123-0a1b2c3d")).toBeUndefined();
});
