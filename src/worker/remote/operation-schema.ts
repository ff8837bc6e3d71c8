import * as v from "valibot";
import { type ContentDigest, isContentDigest, isLayerKey, type LayerKey } from "../../model/identifiers.ts";
import { amount, list, positive, textMap } from "./schema-parts.ts";

const directories = list(v.object({ path: v.string(), user: v.string() }));

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
  v.object({
    kind: v.literal("directory"),
    path: relativePath,
    mode,
    isImplied: v.exactOptional(v.literal(true)),
  }),
  v.object({ kind: v.literal("symlink"), path: relativePath, target: v.string() }),
]);

const sourceSchema = v.object({
  written: v.string(),
  kind: v.picklist(["file", "directory", "archive"]),
  name: baseName,
  commit: v.exactOptional(v.string()),
  entries: list(entrySchema),
});

const stageFiles = {
  layer: v.nullable(v.custom<LayerKey>((value) => typeof value === "string" && isLayerKey(value))),
  imageDigest: v.string(),
  diskSizeMib: positive,
};

const contentSchema = v.variant("kind", [
  v.object({ kind: v.literal("context"), source: sourceSchema }),
  v.object({ kind: v.literal("stage"), ...stageFiles, path: v.string() }),
]);

/** Somewhere to mount: below the guest's root, and clean. */
const mountTarget = v.pipe(
  v.string(),
  v.check(
    (path) => /^(\/[^/]+)+$/.test(path) && !path.split("/").some((part) => part === "." || part === ".."),
    "a target that is no clean absolute path",
  ),
);

const whole = v.pipe(amount, v.safeInteger());
const owned = { mode, userId: whole, groupId: whole };

const mountSchema = v.variant("kind", [
  v.object({
    kind: v.literal("bind"),
    target: mountTarget,
    readOnly: v.boolean(),
    content: contentSchema,
  }),
  v.object({
    kind: v.literal("cache"),
    id: v.string(),
    target: mountTarget,
    readOnly: v.boolean(),
    sharing: v.picklist(["shared", "private", "locked"]),
    ...owned,
    seed: v.nullable(contentSchema),
  }),
  v.object({
    kind: v.literal("volume"),
    name: v.string(),
    target: mountTarget,
    readOnly: v.boolean(),
  }),
  v.object({ kind: v.literal("tmpfs"), target: mountTarget, sizeBytes: v.nullable(whole), mode }),
  v.object({
    kind: v.literal("secret"),
    id: v.string(),
    target: v.nullable(mountTarget),
    environmentVariable: v.nullable(v.string()),
    required: v.boolean(),
    ...owned,
  }),
  v.object({
    kind: v.literal("ssh"),
    id: v.string(),
    target: mountTarget,
    required: v.boolean(),
    ...owned,
  }),
]);

export const networkSchema = v.union([
  v.picklist(["default", "none"]),
  v.object({ allow: list(v.string()) }),
]);

const runSchema = v.object({
  kind: v.literal("run"),
  command: v.variant("kind", [
    v.object({ kind: v.literal("argv"), argv: list(v.string()) }),
    v.object({ kind: v.literal("script"), content: v.string() }),
  ]),
  environment: textMap,
  user: v.string(),
  workingDirectory: v.string(),
  outputVariables: list(v.string()),
  network: networkSchema,
  directories,
  mounts: list(mountSchema),
  timeoutSeconds: v.nullable(positive),
  retries: whole,
  outputVariable: v.nullable(v.string()),
  freshness: v.nullable(v.string()),
});

const copySchema = v.object({
  kind: v.literal("copy"),
  source: v.variant("kind", [
    v.object({
      kind: v.literal("context"),
      sources: list(sourceSchema),
    }),
    v.object({
      kind: v.literal("stage"),
      ...stageFiles,
      paths: list(v.string()),
      excludes: list(v.string()),
      keepsParents: v.boolean(),
      ifExists: v.boolean(),
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
