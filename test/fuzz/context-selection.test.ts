import { readFile, rm, utimes } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadHasher } from "../../src/graph/keys/hash.ts";
import { keyPlan } from "../../src/graph/keys/key-plan.ts";
import { ContextRig, type TreeEntry } from "../support/context-rig.ts";

const name = fc.constantFrom("a", "b", "a.c", "a-b", "A", "é", ".hidden", "with space", "*", "[x]");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const entry: fc.Arbitrary<TreeEntry> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 8 }) },
  {
    weight: 2,
    arbitrary: fc.record({ text: fc.string({ maxLength: 8 }), mode: fc.constantFrom(0o644, 0o755, 0o640) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      link: fc.constantFrom("a", "../b", "..", "nowhere", "/etc/passwd", ".", "a/../../x"),
    }),
  },
);

/** Trees in which no path is both a file and a directory. */
const tree = fc.dictionary(path, entry, { maxKeys: 12 }).map((entries) => {
  const kept: Record<string, TreeEntry> = {};
  for (const [one, value] of Object.entries(entries)) {
    const clashes = Object.keys(kept).some(
      (other) => one.startsWith(`${other}/`) || other.startsWith(`${one}/`),
    );
    if (!clashes) kept[one] = value;
  }
  return kept;
});

async function inRig<Result>(
  entries: Readonly<Record<string, TreeEntry>>,
  use: (rig: ContextRig) => Promise<Result>,
): Promise<Result> {
  await using rig = await ContextRig.create(entries);
  return await use(rig);
}

async function keysIn(rig: ContextRig): Promise<readonly string[]> {
  const { plan, inputs, diagnostics } = await rig.resolve(["COPY . /x/"]);
  expect(diagnostics).toEqual([]);
  return keyPlan(plan, { inputs, hasher: await loadHasher(), ground: null, freshness: "" }).stages.flatMap(
    (stage) => stage.steps.map((step) => step.key),
  );
}

test("a key does not depend on where the checkout is, on times, or on the order in which files were made", async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (entries) => {
      const forwards = await inRig(entries, keysIn);
      const backwards = await inRig(Object.fromEntries(Object.entries(entries).reverse()), async (rig) => {
        for (const [one, value] of Object.entries(entries)) {
          if (typeof value === "string") await utimes(rig.path(one), 1, 2);
        }
        return keysIn(rig);
      });
      expect(backwards).toEqual(forwards);
    }),
    { numRuns: 60 },
  );
});

test("a key depends on each file of the context", async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.nat(), async (entries, pick) => {
      const paths = Object.keys(entries);
      const chosen = paths[pick % Math.max(paths.length, 1)];
      fc.pre(chosen !== undefined);
      await inRig(entries, async (rig) => {
        const before = await keysIn(rig);
        await rm(rig.path(chosen));
        expect(await keysIn(rig)).not.toEqual(before);
      });
    }),
    { numRuns: 60 },
  );
});

test("COPY . selects what was written, sorted, parents first, with its content", async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (entries) => {
      await inRig(entries, async (rig) => {
        const { inputs, contentPaths } = await rig.resolve(["COPY . /x/"]);
        const [source] = [...inputs.values()].flat();
        const selected = source?.entries ?? [];
        const paths = selected.map((one) => one.path);
        expect(paths).toEqual([...paths].sort((left, right) => (left < right ? -1 : 1)));
        const leaves = selected.filter((one) => one.kind !== "directory").map((one) => one.path);
        expect(leaves).toEqual(Object.keys(entries).sort((left, right) => (left < right ? -1 : 1)));
        for (const one of selected) {
          if (one.kind !== "file") continue;
          const location = contentPaths.get(one.digest);
          const written = entries[one.path];
          const text =
            typeof written === "string"
              ? written
              : written !== undefined && "text" in written
                ? written.text
                : null;
          expect(location?.kind === "file" && (await readFile(location.path, "utf8"))).toBe(text);
        }
      });
    }),
    { numRuns: 60 },
  );
});

test("whatever the pattern, a COPY gives files of the context or a located diagnostic", async () => {
  const pattern = fc
    .array(fc.constantFrom("a", "b", "*", "?", "[a-z]", "..", ".", "a.c", ".*", "[", "\\\\a", "é", "A*"), {
      minLength: 1,
      maxLength: 5,
    })
    .map((parts) => parts.join("/"));
  await fc.assert(
    fc.asyncProperty(tree, pattern, fc.boolean(), async (entries, written, slash) => {
      await inRig(entries, async (rig) => {
        const line = `COPY ${JSON.stringify([`${written}${slash ? "/" : ""}`, "/x/"])}`;
        const { inputs, diagnostics, contentPaths } = await rig.resolve([line]);
        for (const { range } of diagnostics) expect(range.end).toBeGreaterThan(range.start);
        for (const source of [...inputs.values()].flat()) {
          for (const one of source.entries) {
            if (one.kind !== "file") continue;
            const location = contentPaths.get(one.digest);
            expect(location?.kind === "file" && location.path.startsWith(`${rig.directory}/`)).toBe(true);
          }
        }
      });
    }),
    { numRuns: 150 },
  );
});
