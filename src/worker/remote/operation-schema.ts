import * as v from "valibot";
import { type ContentDigest, isContentDigest, isLayerKey, type LayerKey } from "../../model/identifiers.ts";
import { amount, list, positive, textMap } from "./schema-parts.ts";

const directories = list(v.object({ path: v.string(), user: v.string() }));

const runSchema = v.object({
  kind: v.literal("run"),
  command: v.variant("kind", [
    v.object({ kind: v.literal("argv"), argv: list(v.string()) }),
    v.object({ kind: v.literal("script"), content: v.string() }),
  ]),
  environment: textMap,
  user: v.string(),
  workingDirectory: v.string(),
  network: v.picklist(["default", "none"]),
  directories,
});

const mode = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o7777));

/** A path below a source; the worker joins it to a guest path, so it must not lead out of it. */
const relativePath = v.pipe(
  v.string(),
  v.check(
    (path) => !path.startsWith("/") && !path.split("/").includes(".."),
    "a path that leaves its source",
  ),
);

const baseName = v.pipe(
  v.string(),
  v.check((name) => !name.includes("/") && name !== "..", "a name that leaves its folder"),
);

const entrySchema = v.variant("kind", [
  v.object({
    kind: v.literal("file"),
    path: relativePath,
    mode,
    sizeBytes: v.pipe(amount, v.integer()),
    digest: v.custom<ContentDigest>((value) => typeof value === "string" && isContentDigest(value)),
  }),
  v.object({ kind: v.literal("directory"), path: relativePath, mode }),
  v.object({ kind: v.literal("symlink"), path: relativePath, target: v.string() }),
]);

const copySchema = v.object({
  kind: v.literal("copy"),
  source: v.variant("kind", [
    v.object({
      kind: v.literal("context"),
      sources: list(
        v.object({
          written: v.string(),
          kind: v.picklist(["file", "directory"]),
          name: baseName,
          entries: list(entrySchema),
        }),
      ),
    }),
    v.object({
      kind: v.literal("stage"),
      layer: v.nullable(v.custom<LayerKey>((value) => typeof value === "string" && isLayerKey(value))),
      imageDigest: v.string(),
      diskSizeMib: positive,
      paths: list(v.string()),
    }),
  ]),
  destination: v.string(),
  destinationIsDirectory: v.boolean(),
  owner: v.nullable(v.object({ user: v.string(), group: v.nullable(v.string()) })),
  mode: v.nullable(
    v.variant("kind", [
      v.object({ kind: v.literal("octal"), bits: mode }),
      v.object({ kind: v.literal("symbolic"), expression: v.string() }),
    ]),
  ),
  directories,
});

/** That it agrees with `StepOperation` is checked through `LineageRequest` in schemas.ts. */
export const operationSchema = v.variant("kind", [
  runSchema,
  copySchema,
  v.object({ kind: v.literal("make-directories"), directories }),
]);
