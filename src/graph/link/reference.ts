import { posix } from "node:path";

/** A git repository at a ref, and a Lightfile in it. */
export interface GitReference {
  readonly kind: "git";
  /** As git takes it. */
  readonly url: string;
  /** Branch, tag or whole commit; null: what the repository calls HEAD. */
  readonly ref: string | null;
  /** Of the Lightfile in the repository, `/`-separated. */
  readonly path: string;
}

/** A Lightfile by its path, relative to the folder of the file that names it. */
export interface PathReference {
  readonly kind: "path";
  readonly path: string;
}

export type FileReference = PathReference | GitReference;

/** What a word after FROM, `--from=` or IMPORT can mean besides a stage or an image. */
export type Reference =
  | { readonly kind: "file"; readonly file: FileReference; readonly target: string | null }
  /** `name#target` */
  | { readonly kind: "import"; readonly name: string; readonly target: string | null };

const defaultName = "Lightfile";
/** Base images in local files: what they are is known by their names, so that nobody has to look. */
const archiveName = /\.(?:tar|tgz|tbz2?|txz|tzst|tar\.[a-z0-9]+|oci)$/i;
const urlForm = /^(?:https?|ssh|git|file):\/\//i;
/** `user@host:path.git` */
const scpForm = /^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!\/\/)/;
const importForm = /^([A-Za-z][A-Za-z0-9_.-]*)#(.*)$/s;

/**
 * Reads a word, after expansion, as a reference to another Lightfile; null when it can only be a stage or an image:
 *
 * - `./PATH[#TARGET]`, `../PATH[#TARGET]`: unless the name is that of an archive
 * - `https://HOST/X.git[#REF[:PATH][#TARGET]]`, also `ssh:`, `git:`, `file:`, `http:` and `git@HOST:X.git`
 * - `NAME#TARGET`: of an IMPORT
 */
export function parseReference(text: string): Reference | null {
  const hash = text.indexOf("#");
  const head = hash === -1 ? text : text.slice(0, hash);
  const rest = hash === -1 ? null : text.slice(hash + 1);
  if (/^\.\.?(?:\/|$)/.test(text)) {
    if (rest === null && archiveName.test(head)) return null;
    return { kind: "file", file: { kind: "path", path: head }, target: targetOf(rest) };
  }
  if (urlForm.test(text) || scpForm.test(text)) {
    if (rest === null && !/\.git\/?$/.test(head)) return null;
    return gitReference(head, rest);
  }
  const imported = importForm.exec(text);
  if (imported === null) return null;
  return { kind: "import", name: imported[1] ?? "", target: targetOf(imported[2] ?? null) };
}

function gitReference(url: string, rest: string | null): Reference {
  const hash = rest?.indexOf("#") ?? -1;
  const place = rest === null ? "" : hash === -1 ? rest : rest.slice(0, hash);
  const target = rest === null || hash === -1 ? null : rest.slice(hash + 1);
  const colon = place.indexOf(":");
  const ref = colon === -1 ? place : place.slice(0, colon);
  const path = colon === -1 ? "" : place.slice(colon + 1).replace(/^\/+/, "");
  const file = {
    kind: "git",
    url,
    ref: ref === "" ? null : ref,
    path: path === "" ? defaultName : path,
  } as const;
  return { kind: "file", file, target: targetOf(target) };
}

function targetOf(text: string | null): string | null {
  return text === null || text === "" ? null : text;
}

/** As it is written, without the target: for messages. */
export function describeReference(reference: FileReference): string {
  if (reference.kind === "path") return reference.path;
  const path = reference.path === defaultName ? "" : `:${reference.path}`;
  return reference.ref === null && path === ""
    ? reference.url
    : `${reference.url}#${reference.ref ?? ""}${path}`;
}

/** What people would call the file: the folder of a `Lightfile`, the name of any other, the repository's name. */
export function labelOfReference(reference: FileReference): string {
  const segments = reference.path
    .split("/")
    .filter((segment) => segment !== "" && segment !== "." && segment !== "..");
  const name = segments.at(-1) === defaultName ? segments.at(-2) : segments.at(-1);
  if (name !== undefined) return name;
  if (reference.kind === "path") return defaultName;
  const repository = reference.url.replace(/\/+$/, "").split(/[/:]/).at(-1) ?? "";
  return repository.replace(/\.git$/, "") || "git";
}

const localImage = /^(oci|oci-archive|docker-archive):([^:]+)((?::.+)?)$/;

/** Where an image of this host is, as it is written; null for one of a registry. */
export function pathOfImage(reference: string): string | null {
  if (/^(?:\/|\.{1,2}(?:\/|$))/.test(reference)) return reference;
  return localImage.exec(reference)?.[2] ?? null;
}

/**
 * A local base image that a file in `directory` names, as a file in `start` would name it, so that it reads the same
 * on every host; null: by its absolute path. What is no relative path stays as it is.
 */
export function imageReferenceFrom(start: string | null, directory: string, reference: string): string {
  const [, scheme = null, path = reference, image = ""] = localImage.exec(reference) ?? [];
  const isRelative = scheme === null ? /^\.{1,2}(?:\/|$)/.test(path) : !path.startsWith("/");
  if (!isRelative) return reference;
  const whole = posix.join(directory, path);
  const way = start === null ? whole : posix.relative(start, whole);
  if (scheme !== null) return `${scheme}:${way}${image}`;
  return /^(?:\.\.\/|\/)/.test(way) ? way : `./${way}`;
}
