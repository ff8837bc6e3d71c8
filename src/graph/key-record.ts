import { unreachable } from "../diagnostics/unreachable.ts";
import type { LayerKey, Sha256Digest } from "../model/identifiers.ts";
import type {
  ContextEntry,
  ContextSource,
  CopyOperation,
  CopySource,
  StepOperation,
  WorkingDirectory,
} from "../model/step-operation.ts";
import { canonicalJson, type JsonValue } from "./canonical-json.ts";
import type { Hasher } from "./hash.ts";

/** Of the record; a change of what is in it, or of what the same record makes, raises it. */
export const keyRecordFormat = 1;

/** What a step stands on. */
export type RecordParent =
  | { readonly kind: "layer"; readonly key: LayerKey }
  /** The image's digest, never its tag, and the size of the empty disk over it. */
  | { readonly kind: "image"; readonly digest: Sha256Digest; readonly diskSizeMib: number };

export interface RecordRequest {
  readonly parent: RecordParent;
  readonly operation: StepOperation;
  /** Names in a RUN's environment that are not in its key: proxies. */
  readonly outsideKey: ReadonlySet<string>;
  readonly hasher: Hasher;
}

/**
 * The canonical record of a step: its key is the hash of this text. It is a list of what is allowed in, so that
 * a new field of an operation stays outside until somebody puts it here. Not in it: times, owners on the host,
 * titles, comments, and resources other than the disk's size.
 */
export function keyRecord(request: RecordRequest): string {
  const { parent, operation } = request;
  return canonicalJson({
    format: keyRecordFormat,
    parent:
      parent.kind === "layer"
        ? { layer: parent.key }
        : { image: parent.digest, diskSizeMib: parent.diskSizeMib },
    operation: operationRecord(operation, request),
  });
}

function operationRecord(operation: StepOperation, { hasher, outsideKey }: RecordRequest): JsonValue {
  switch (operation.kind) {
    case "run":
      return {
        kind: "run",
        command:
          operation.command.kind === "argv"
            ? { argv: operation.command.argv }
            : { script: operation.command.content },
        environment: Object.fromEntries(
          Object.entries(operation.environment).filter(([name]) => !outsideKey.has(name)),
        ),
        user: operation.user,
        workingDirectory: operation.workingDirectory,
        network: operation.network,
        directories: directoriesRecord(operation.directories),
      };
    case "copy":
      return copyRecord(operation, hasher);
    case "make-directories":
      return { kind: "make-directories", directories: directoriesRecord(operation.directories) };
    default:
      return unreachable(operation);
  }
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
  // A stage that is its bare image is known by the image; the size of an empty disk has no part in its files.
  const from = source.layer === null ? { image: source.imageDigest } : { layer: source.layer };
  return { ...from, paths: source.paths };
}

function directoriesRecord(directories: readonly WorkingDirectory[]): JsonValue {
  return directories.map(({ path, user }) => ({ path, user }));
}

/**
 * One digest for everything that a COPY selects from the context: per source its kind and what of its name
 * counts, per entry the path, kind, mode and content. Where an octal --chmod replaces the modes, the host's do
 * not count.
 */
export function selectionDigest(
  sources: readonly ContextSource[],
  modesCount: boolean,
  hasher: Hasher,
): string {
  const lines: string[] = [];
  for (const source of sources) {
    // Of a directory only the contents are copied: its own name has no effect.
    lines.push(source.kind === "file" ? `file ${JSON.stringify(source.name)}` : "directory");
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
      return `d ${modesCount ? entry.mode.toString(8) : "-"} ${path}`;
    case "symlink":
      return `l ${JSON.stringify(entry.target)} ${path}`;
    default:
      return unreachable(entry);
  }
}
