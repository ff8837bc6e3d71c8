import * as v from "valibot";
import { parseJson } from "../../model/parse-json.ts";

const directories = v.array(v.object({ path: v.string(), user: v.string() }));

const parent = v.union([
  v.object({ layer: v.string() }),
  v.object({ image: v.string(), diskSizeMib: v.number() }),
]);

const content = v.union([
  v.object({ selection: v.string() }),
  v.object({ layer: v.string(), path: v.string() }),
  v.object({ image: v.string(), path: v.string() }),
]);

const mount = v.looseObject({
  kind: v.string(),
  target: v.nullable(v.string()),
  content: v.optional(content),
  seed: v.optional(content),
});

const run = v.object({
  kind: v.literal("run"),
  command: v.union([v.object({ argv: v.array(v.string()) }), v.object({ script: v.string() })]),
  environment: v.record(v.string(), v.string()),
  user: v.string(),
  workingDirectory: v.string(),
  network: v.union([v.string(), v.object({ allow: v.array(v.string()) })]),
  directories,
  mounts: v.optional(v.array(mount), []),
  freshness: v.optional(v.string()),
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

export type ReadMount = v.InferOutput<typeof mount>;

export type ReadKeyRecord = v.InferOutput<typeof keyRecord>;

/** A key record as data; null when it is of another format or damaged: it comes from a file. */
export function readKeyRecord(text: string): ReadKeyRecord | null {
  const parsed = v.safeParse(keyRecord, parseJson(text));
  return parsed.success ? parsed.output : null;
}
