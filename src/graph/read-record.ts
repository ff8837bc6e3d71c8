import * as v from "valibot";

const directories = v.array(v.object({ path: v.string(), user: v.string() }));

const parent = v.union([
  v.object({ layer: v.string() }),
  v.object({ image: v.string(), diskSizeMib: v.number() }),
]);

const run = v.object({
  kind: v.literal("run"),
  command: v.union([v.object({ argv: v.array(v.string()) }), v.object({ script: v.string() })]),
  environment: v.record(v.string(), v.string()),
  user: v.string(),
  workingDirectory: v.string(),
  network: v.string(),
  directories,
});

const copy = v.object({
  kind: v.literal("copy"),
  source: v.union([
    v.object({ selection: v.string() }),
    v.object({ layer: v.string(), paths: v.array(v.string()) }),
    v.object({ image: v.string(), paths: v.array(v.string()) }),
  ]),
  destination: v.string(),
  destinationIsDirectory: v.boolean(),
  owner: v.unknown(),
  mode: v.unknown(),
  directories,
});

const makeDirectories = v.object({ kind: v.literal("make-directories"), directories });

const keyRecord = v.object({
  format: v.literal(1),
  parent,
  operation: v.variant("kind", [run, copy, makeDirectories]),
});

export type ReadKeyRecord = v.InferOutput<typeof keyRecord>;

/** A key record as data; null when it is of another format or damaged: it comes from a file. */
export function readKeyRecord(text: string): ReadKeyRecord | null {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const parsed = v.safeParse(keyRecord, data);
  return parsed.success ? parsed.output : null;
}
