import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { endToEndFilesAtOnce } from "../../support/end-to-end-machines.ts";
import { longestFiles } from "../../support/longest-first.ts";

describe("files of end-to-end tests", () => {
  test.each([
    { processors: 2, memoryGib: 8, atOnce: 2 },
    { processors: 16, memoryGib: 64, atOnce: 2 },
    { processors: 1, memoryGib: 64, atOnce: 1 },
    { processors: 2, memoryGib: 6, atOnce: 1 },
    { processors: 2, memoryGib: 2, atOnce: 1 },
  ])(
    "$processors processors and $memoryGib GiB carry $atOnce at once",
    ({ processors, memoryGib, atOnce }) => {
      expect(endToEndFilesAtOnce(processors, { memoryMib: memoryGib * 1024 })).toBe(atOnce);
    },
  );

  test("that are to begin first exist", async () => {
    const files = await readdir(join(import.meta.dirname, "../../e2e"));
    expect(files).toEqual(expect.arrayContaining([...longestFiles]));
  });
});
