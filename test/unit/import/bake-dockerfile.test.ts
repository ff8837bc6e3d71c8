import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { planText } from "../../support/planned.ts";
import { BakeRig } from "../bake/bake-rig.ts";

const repository = new URL("../../../", import.meta.url);
const goldens = new URL("test/golden/import/", repository);

/** What cannot be baked as it is, and what is said then. */
const refused: Readonly<Record<string, string>> = {
  "build-networks": "UnknownFlag",
  crlf: "MalformedJsonArray",
  "other-frontend": "UnknownInstruction",
  "python-poetry": "MalformedJsonArray",
  windows: "UnsupportedBase",
  wrong: "UnknownInstruction",
};

describe("a Dockerfile, baked as it is", () => {
  test("runs its steps and publishes nothing, since it has no name", async () => {
    await using rig = await BakeRig.create();
    const text = await readFile(new URL("examples/dockerfile/Dockerfile", repository), "utf8");
    const first = await rig.bake(text);
    expect(first.outcome).toMatchObject({ kind: "completed", snapshotName: null });
    expect(first.ran).toHaveLength(3);
    expect(rig.worker.store.snapshots.size).toBe(0);
  });

  test("runs nothing again when a name is given afterwards, and is published under it", async () => {
    await using rig = await BakeRig.create();
    const text = await readFile(new URL("examples/dockerfile/Dockerfile", repository), "utf8");
    await rig.bake(text);
    const named = await rig.bake(text, { snapshotName: "from-a-dockerfile" });
    expect(named.outcome).toMatchObject({ kind: "completed", snapshotName: "from-a-dockerfile" });
    expect(named.ran).toEqual([]);
    expect([...rig.worker.store.snapshots.keys()]).toEqual(["from-a-dockerfile"]);
  });

  const names = readdirSync(goldens, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  for (const name of names) {
    const code = refused[name];
    test(`${name}: ${code ?? "is planned without a change"}`, async () => {
      const text = await readFile(new URL(`${name}/Dockerfile`, goldens), "utf8");
      const buildArguments = { NEXT_PUBLIC_API_URL: "https://api.example.org" };
      const { plan, diagnostics } = planText(text, { buildArguments });
      const errors = diagnostics.filter(({ severity }) => severity === "error");
      if (code === undefined) expect(errors.map((error) => error.message)).toEqual([]);
      else expect(errors.map((error) => error.code)).toContain(code);
      if (code === undefined) expect(plan?.snapshotName).toBeNull();
    });
  }
});
