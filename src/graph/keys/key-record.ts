import { unreachable } from "../../diagnostics/unreachable.ts";
import type { LayerKey, Sha256Digest } from "../../model/identifiers.ts";
import type {
  ContextEntry,
  ContextSource,
  CopyOperation,
  CopySource,
  MountContent,
  NetworkAccess,
  RunCommand,
  RunMount,
  RunOperation,
  StageFiles,
  StepOperation,
  WorkingDirectory,
} from "../../model/step-operation.ts";
import type { PlannedTest } from "../plan.ts";
import { canonicalJson, type JsonValue } from "./canonical-json.ts";
import type { Hasher } from "./hash.ts";

/** Of the record; a change of what is in it, or of what the same record makes, raises it. */
export const keyRecordFormat = 1;

/** What a step stands on. */
export type RecordParent =
  | { readonly kind: "layer"; readonly key: LayerKey }
  /** The image's digest, never its tag, and the size of the empty disk over it. */
  | {
      readonly kind: "image";
      readonly digest: Sha256Digest;
      readonly diskSizeMib: number;
      /** See `KeyPlanOptions.ground`. */
      readonly ground: string | null;
    };

export interface RecordRequest {
  readonly parent: RecordParent;
  readonly operation: StepOperation;
  /** Names in a RUN's environment that are not in its key: proxies. */
  readonly outsideKey: ReadonlySet<string>;
  readonly hasher: Hasher;
}

/**
 * The canonical record of a step: its key is the hash of this text. It is a list of what is allowed in, so that
 * a new field of an operation stays outside until somebody puts it here. What came to the language later is in
 * the record only where it is used, so that the keys of steps without it stay what they are. Not in it: times,
 * owners on the host, titles, comments, resources other than the disk's size, how long and how often a command may
 * run, the values of secrets, and what caches and volumes hold.
 */
export function keyRecord(request: RecordRequest): string {
  const { parent, operation } = request;
  return canonicalJson({
    format: keyRecordFormat,
    parent: parentPart(parent),
    operation: operationRecord(operation, request),
  });
}

/** As {@link keyRecord}, of a test on what `parent` says. */
export function testRecord(parent: RecordParent, test: PlannedTest): string {
  return canonicalJson({
    format: keyRecordFormat,
    parent: parentPart(parent),
    test: {
      command: commandRecord(test.command),
      environment: test.environment,
      ...(test.outputVariables.length === 0 ? {} : { outputVariables: test.outputVariables }),
      user: test.user,
      workingDirectory: test.workingDirectory,
      network: networkRecord(test.network),
    },
  });
}

function parentPart(parent: RecordParent): JsonValue {
  if (parent.kind === "layer") return { layer: parent.key };
  const { digest, diskSizeMib, ground } = parent;
  return { image: digest, diskSizeMib, ...(ground === null ? {} : { ground }) };
}

function operationRecord(operation: StepOperation, request: RecordRequest): JsonValue {
  switch (operation.kind) {
    case "run":
      return runRecord(operation, request);
    case "copy":
      return copyRecord(operation, request.hasher);
    case "make-directories":
      return { kind: "make-directories", directories: directoriesRecord(operation.directories) };
    default:
      return unreachable(operation);
  }
}

function runRecord(operation: RunOperation, { hasher, outsideKey }: RecordRequest): JsonValue {
  const { mounts, outputVariables, outputVariable, freshness } = operation;
  return {
    kind: "run",
    command: commandRecord(operation.command),
    environment: Object.fromEntries(
      Object.entries(operation.environment).filter(([name]) => !outsideKey.has(name)),
    ),
    user: operation.user,
    workingDirectory: operation.workingDirectory,
    network: networkRecord(operation.network),
    directories: directoriesRecord(operation.directories),
    ...(mounts.length === 0 ? {} : { mounts: mounts.map((mount) => mountRecord(mount, hasher)) }),
    // Their values are in the chain below.
    ...(outputVariables.length === 0 ? {} : { outputVariables }),
    ...(outputVariable === null ? {} : { outputVariable }),
    ...(freshness === null ? {} : { freshness }),
  };
}

function commandRecord(command: RunCommand): JsonValue {
  return command.kind === "argv" ? { argv: command.argv } : { script: command.content };
}

function networkRecord(network: NetworkAccess): JsonValue {
  return typeof network === "string" ? network : { allow: network.allow };
}

/** What tells one mount from another; what a default says is left out. */
function mountRecord(mount: RunMount, hasher: Hasher): JsonValue {
  switch (mount.kind) {
    case "bind": {
      const { kind, target, readOnly, content } = mount;
      return { kind, target, readOnly, content: contentRecord(content, hasher) };
    }
    case "cache": {
      const { kind, id, target, readOnly, sharing, mode, userId, groupId, seed } = mount;
      const from = seed === null ? {} : { seed: contentRecord(seed, hasher) };
      return { kind, id, target, readOnly, sharing, mode, userId, groupId, ...from };
    }
    case "volume": {
      const { kind, name, target, readOnly } = mount;
      return { kind, name, target, readOnly };
    }
    case "tmpfs": {
      const { kind, target, sizeBytes, mode } = mount;
      return { kind, target, sizeBytes, mode };
    }
    case "secret": {
      const { kind, id, target, environmentVariable, required, mode, userId, groupId } = mount;
      return { kind, id, target, environmentVariable, required, mode, userId, groupId };
    }
    case "ssh": {
      const { kind, id, target, required, mode, userId, groupId } = mount;
      return { kind, id, target, required, mode, userId, groupId };
    }
    default:
      return unreachable(mount);
  }
}

function contentRecord(content: MountContent, hasher: Hasher): JsonValue {
  if (content.kind === "context") return { selection: selectionDigest([content.source], true, hasher) };
  return { ...stageRecord(content), path: content.path };
}

function copyRecord(operation: CopyOperation, hasher: Hasher): JsonValue {
  const { owner, mode } = operation;
  const modesCount = mode?.kind !== "octal";
  return {
    kind: "copy",
    source: sourceRecord(operation.source, modesCount, hasher),
    destination: operation.destination,
    destinationIsDirectory: operation.destinationIsDirectory,
    owner: owner === null ? null : { user: owner.user, group: owner.group },
    mode: mode === null ? null : mode.kind === "octal" ? { octal: mode.bits } : { symbolic: mode.expression },
    directories: directoriesRecord(operation.directories),
  };
}

function sourceRecord(source: CopySource, modesCount: boolean, hasher: Hasher): JsonValue {
  if (source.kind === "context") return { selection: selectionDigest(source.sources, modesCount, hasher) };
  const { paths, excludes, keepsParents, ifExists } = source;
  return {
    ...stageRecord(source),
    paths,
    ...(excludes.length === 0 ? {} : { excludes }),
    ...(keepsParents ? { keepsParents } : {}),
    ...(ifExists ? { ifExists } : {}),
  };
}

/** A stage that is its bare image is known by the image; the size of an empty disk has no part in its files. */
function stageRecord({ layer, imageDigest }: StageFiles): { readonly [name: string]: JsonValue } {
  return layer === null ? { image: imageDigest } : { layer };
}

function directoriesRecord(directories: readonly WorkingDirectory[]): JsonValue {
  return directories.map(({ path, user }) => ({ path, user }));
}

/**
 * One digest for everything that a COPY selects from the context: per source its kind and what of its name
 * counts, per entry the path, kind, mode and content. Where an octal --chmod replaces the modes, the host's do
 * not count.
 */
function selectionDigest(sources: readonly ContextSource[], modesCount: boolean, hasher: Hasher): string {
  const lines: string[] = [];
  for (const source of sources) {
    // Of a directory and an archive only the contents are copied: their own names have no effect.
    lines.push(source.kind === "file" ? `file ${JSON.stringify(source.name)}` : source.kind);
    for (const entry of source.entries) lines.push(entryLine(entry, modesCount));
  }
  return hasher.hashText(lines.join("\n"));
}

function entryLine(entry: ContextEntry, modesCount: boolean): string {
  const path = JSON.stringify(entry.path);
  switch (entry.kind) {
    case "file":
      return `f ${modesCount ? entry.mode.toString(8) : "-"} ${entry.digest} ${path}`;
    case "directory":
      return `${entry.isImplied ? "i" : "d"} ${modesCount ? entry.mode.toString(8) : "-"} ${path}`;
    case "symlink":
      return `l ${JSON.stringify(entry.target)} ${path}`;
    default:
      return unreachable(entry);
  }
}
