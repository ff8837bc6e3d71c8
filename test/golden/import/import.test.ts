import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { importDockerfile } from "../../../src/import/import-dockerfile.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { planText, shown } from "../../support/planned.ts";

/**
 * Each folder holds a Dockerfile, the Lightfile that it becomes and what is said about it; written anew with
 * `vitest run test/golden/import -u`.
 */
const folder = new URL("./", import.meta.url);
const cases = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());

/** What the Dockerfiles ask for. */
const buildArguments = { NEXT_PUBLIC_API_URL: "https://api.example.org" };

describe("an import", () => {
  for (const { name } of cases) {
    test(`makes of the Dockerfile ${name} what is written down`, async () => {
      const text = await readFile(new URL(`${name}/Dockerfile`, folder), "utf8");
      const imported = importDockerfile(
        { path: "Dockerfile", text },
        { snapshotName: name, platform: "linux/amd64" },
      );
      expect(imported.value?.snapshotNames.at(-1)).toBe(name);
      const lightfile = imported.value?.text ?? "";
      expect(errorsIn(parseLightfile({ path: "Lightfile", text: lightfile }).diagnostics)).toEqual([]);
      const errors = errorsIn(planText(lightfile, { buildArguments }).diagnostics);
      // A base of another system is left to whoever knows what the stage needs.
      if (name === "windows") expect(errors).toEqual([expect.stringContaining("UnsupportedBase")]);
      else expect(errors).toEqual([]);
      await expect(lightfile).toMatchFileSnapshot(`${name}/Lightfile`);
      const notes = imported.diagnostics.map((note) => `${shown([note]).join("")}\n`).join("");
      await expect(notes).toMatchFileSnapshot(`${name}/notes.txt`);
    });
  }
});

function errorsIn(diagnostics: Parameters<typeof shown>[0]): readonly string[] {
  return shown(diagnostics.filter((diagnostic) => diagnostic.severity === "error"));
}
