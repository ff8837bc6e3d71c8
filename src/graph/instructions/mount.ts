import { posix } from "node:path";
import { unreachable } from "../../diagnostics/unreachable.ts";
import type { Flag } from "../../lightfile/ast.ts";
import type { CacheMount } from "../../model/step-operation.ts";
import type { ImageReference } from "../draft-step.ts";
import type { MountDefinition, MountSource } from "../plan.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { MountFields } from "./mount-fields.ts";

type Mount = MountDefinition<ImageReference>;

/** The `--mount`s of a RUN, without those that have mistakes. */
export function readMounts(stage: StageBuilder, flags: readonly Flag[]): readonly Mount[] {
  const mounts: Mount[] = [];
  const targets = new Map<string, Flag>();
  for (const flag of flags) {
    const mount = stage.scope.alone(() => {
      const fields = MountFields.read(stage, flag);
      return fields === null ? null : readMount(stage, fields, mounts.length);
    });
    if (mount === null) continue;
    const earlier = mount.target === null ? undefined : targets.get(mount.target);
    if (earlier !== undefined) {
      stage.findings.error("DuplicateMountTarget", `two mounts at ${mount.target}`, flag.range, {
        hint: "give one of them another target",
        related: [{ message: "the other one", source: stage.findings.source, range: earlier.range }],
      });
    }
    if (mount.target !== null) targets.set(mount.target, flag);
    mounts.push(mount);
  }
  return mounts;
}

const highestMode = 0o7777;
const highestId = 0xffff_fffe;

function readMount(stage: StageBuilder, fields: MountFields, position: number): Mount | null {
  switch (fields.type) {
    case "bind":
      return readBind(stage, fields);
    case "cache":
      return readCache(stage, fields);
    case "volume":
      return readVolume(stage, fields);
    case "tmpfs": {
      const target = requireTarget(stage, fields);
      const sizeBytes = readSize(fields);
      const mode = modeOf(fields, 0o1777);
      return target === null ? null : { kind: "tmpfs", target, sizeBytes, mode };
    }
    case "secret":
      return readSecret(stage, fields);
    case "ssh": {
      const target = fields.has("target") ? readTarget(stage, fields) : `/run/ssh-agent.${position}`;
      const rest = { required: fields.flag("required", false), ...ownership(fields, 0o600) };
      return target === null ? null : { kind: "ssh", id: fields.text("id") ?? "default", target, ...rest };
    }
    default:
      return unreachable(fields.type);
  }
}

function readBind(stage: StageBuilder, fields: MountFields): Mount | null {
  const target = fields.has("target") ? readTarget(stage, fields) : workingDirectory(stage, fields);
  const readOnly = fields.isReadOnly(true);
  const content = readSource(stage, fields);
  return target === null || content === null ? null : { kind: "bind", target, readOnly, content };
}

function readCache(stage: StageBuilder, fields: MountFields): Mount | null {
  const target = requireTarget(stage, fields);
  const readOnly = fields.isReadOnly(false);
  const sharing = readSharing(fields);
  const owned = ownership(fields, 0o755);
  if (fields.has("source") && !fields.has("from")) fields.require("from", "from=STAGE, which has the source");
  const seed = fields.has("from") ? readSource(stage, fields) : null;
  const id = fields.has("id") ? fields.text("id") : target;
  if (target === null || id === null || (fields.has("from") && seed === null)) return null;
  return { kind: "cache", id, target, readOnly, sharing, ...owned, seed };
}

function readSharing(fields: MountFields): CacheMount["sharing"] {
  const sharing = fields.text("sharing")?.toLowerCase() ?? "shared";
  if (sharing === "shared" || sharing === "private" || sharing === "locked") return sharing;
  fields.refuse("sharing", `sharing=${sharing} cannot be`, "sharing is shared, private or locked");
  return "shared";
}

const volumeName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

function readVolume(stage: StageBuilder, fields: MountFields): Mount | null {
  const target = requireTarget(stage, fields);
  const readOnly = fields.isReadOnly(false);
  const name = fields.text("source");
  if (name === null) {
    if (!fields.has("source")) fields.require("source", "source=NAME, the name of the volume");
    return null;
  }
  if (!volumeName.test(name)) {
    fields.refuse(
      "source",
      `${JSON.stringify(name)} cannot name a volume`,
      "names have letters, digits, '.', '_' and '-', and begin with a letter or digit",
    );
    return null;
  }
  return target === null ? null : { kind: "volume", name, target, readOnly };
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const secretId = /^[^\s/,=]+$/;

function readSecret(stage: StageBuilder, fields: MountFields): Mount | null {
  const environmentVariable = fields.text("env");
  if (environmentVariable !== null && !variableName.test(environmentVariable)) {
    fields.refuse(
      "env",
      `${environmentVariable} cannot be the name of a variable`,
      "use letters, digits and _",
    );
    return null;
  }
  const given = fields.has("target") ? readTarget(stage, fields) : null;
  if (fields.has("target") && given === null) return null;
  const id = fields.text("id") ?? fields.text("source") ?? (given === null ? null : posix.basename(given));
  if (id === null) {
    if (!fields.has("id") && !fields.has("source"))
      fields.require("id", "id=NAME, as in --secret id=NAME,src=FILE");
    return null;
  }
  if (!secretId.test(id)) {
    fields.refuse("id", `${JSON.stringify(id)} cannot name a secret`, "write it without blanks, /, , and =");
    return null;
  }
  const target = given ?? (environmentVariable === null ? `/run/secrets/${id}` : null);
  const required = fields.flag("required", false);
  return { kind: "secret", id, target, environmentVariable, required, ...ownership(fields, 0o400) };
}

function requireTarget(stage: StageBuilder, fields: MountFields): string | null {
  if (fields.has("target")) return readTarget(stage, fields);
  fields.require("target", "target=/DIRECTORY");
  return null;
}

/** Where files go whose mount names no target, as BuildKit has it; null when that is not known yet, or the root. */
function workingDirectory(stage: StageBuilder, fields: MountFields): string | null {
  const target = stage.resolvePath(".");
  if (target !== "/") return target;
  if (stage.scope.complete) {
    fields.require("target", "target=/DIRECTORY, or a WORKDIR above, where files go without it: it is / now");
  }
  return null;
}

/** Below the working directory where it is relative. */
function readTarget(stage: StageBuilder, fields: MountFields): string | null {
  const written = fields.text("target");
  if (written === null) return null;
  const target = stage.resolvePath(written);
  if (target !== "/") return target;
  // The base image may set another directory.
  if (!stage.scope.complete && written !== "" && !written.startsWith("/")) return null;
  fields.refuse("target", "a mount cannot take the place of the whole root", "name a directory below /");
  return null;
}

/** What a bind or the beginning of a cache shows: the context, a stage or an image, or a path in it. */
function readSource(stage: StageBuilder, fields: MountFields): MountSource<ImageReference> | null {
  const path = fields.has("source") ? fields.text("source") : "/";
  const from = fields.text("from");
  if (path === null || (fields.has("from") && from === null)) return null;
  if (from === null) return { kind: "context", path, range: fields.rangeOf("source") };
  const source = stage.findSource(from, fields.rangeOf("from"));
  return source === null ? null : { ...source, path: posix.resolve("/", path) };
}

const bytesIn: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `64m`, `1G`, `512k` or bytes. */
function readSize(fields: MountFields): number | null {
  const value = fields.text("size");
  if (value === null) return null;
  const match = /^(\d{1,15})([bkmgt]?)(?:i?b)?$/i.exec(value);
  const unit = bytesIn[(match?.[2] || "b").toLowerCase()] ?? Number.NaN;
  const sizeBytes = Number(match?.[1] ?? Number.NaN) * unit;
  if (sizeBytes > 0 && Number.isSafeInteger(sizeBytes)) return sizeBytes;
  fields.refuse("size", `size=${value} is no size`, "write a number with k, m or g, e.g. size=64m");
  return null;
}

function modeOf(fields: MountFields, otherwise: number): number {
  return fields.number("mode", otherwise, { base: 8, most: highestMode });
}

function ownership(fields: MountFields, mode: number) {
  return {
    mode: modeOf(fields, mode),
    userId: fields.number("uid", 0, { base: 10, most: highestId }),
    groupId: fields.number("gid", 0, { base: 10, most: highestId }),
  };
}
