import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { format } from "../../../src/lightfile/format/format.ts";

/** Each folder holds a Lightfile and what formatting makes of it; written anew with `vitest run test/golden -u`. */
const folder = new URL("./", import.meta.url);
const cases = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());

describe("the formatter", () => {
  for (const { name } of cases) {
    test(`lays out the case ${name} as written down`, async () => {
      const text = await readFile(new URL(`${name}/Lightfile`, folder), "utf8");
      const { text: formatted } = format(text);
      expect(formatted).not.toBe(text);
      await expect(formatted).toMatchFileSnapshot(`${name}/formatted.Lightfile`);
      expect(format(formatted).text).toBe(formatted);
    });
  }
});
