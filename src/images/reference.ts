import { isSha256Digest, type Sha256Digest } from "../model/identifiers.ts";
import { invalidReference } from "./image-failures.ts";

/** What Docker assumes where a reference names no registry; the only registry that lightbox knows by name. */
export const dockerHub = {
  /** As it stands in a full reference. */
  name: "docker.io",
  /** An older spelling of the same. */
  legacyName: "index.docker.io",
  /** Who answers its requests. */
  apiHost: "registry-1.docker.io",
  /** Its key in Docker's config.json and for credential helpers. */
  credentialKey: "https://index.docker.io/v1/",
  /** The namespace of names without a slash. */
  officialNamespace: "library",
} as const;

/** An image in a registry: `[registry[:port]/]repository[:tag][@sha256:…]`. */
export interface RegistryReference {
  readonly kind: "registry";
  /** As the user wrote it. */
  readonly written: string;
  /** Host with an optional port, e.g. `localhost:5000`. */
  readonly registry: string;
  /** With the namespace, e.g. `library/debian`. */
  readonly repository: string;
  /** Null only beside a digest; `latest` when the user named neither. */
  readonly tag: string | null;
  readonly digest: Sha256Digest | null;
}

/**
 * An image in a local file or folder. `format` is null where the content decides: a file may be a Docker or an
 * OCI archive, a folder is an OCI layout.
 */
export interface LocalReference {
  readonly kind: "local";
  readonly written: string;
  /** As written: relative paths are relative to the Lightfile's folder. */
  readonly path: string;
  readonly format: "docker-archive" | "oci-archive" | "oci-layout" | null;
  /** Which image of several in the archive: a name, tag or digest. */
  readonly image: string | null;
}

/** `scratch`: an image without a file. */
export interface ScratchReference {
  readonly kind: "scratch";
  readonly written: string;
}

export type BaseReference = RegistryReference | LocalReference | ScratchReference;

const localForm = /^(oci|oci-archive|docker-archive):([^:]+)(?::(.+))?$/;
const pathForm = /^(?:\/|\.\/|\.\.\/|\.$|\.\.$)/;

/**
 * Reads the word after FROM (or after `--from=` when it is no stage):
 *
 * - `scratch`
 * - `oci:FOLDER[:IMAGE]`: an OCI image layout
 * - `oci-archive:FILE[:IMAGE]`, `docker-archive:FILE[:IMAGE]`: tar files, gzipped or not
 * - `./PATH`, `../PATH`, `/PATH`: a file (archive) or folder (layout), told apart by looking
 * - anything else: an image in a registry, as Docker reads it
 *
 * @throws Failure `InvalidImageReference`
 */
export function parseBaseReference(text: string): BaseReference {
  if (text === "scratch") return { kind: "scratch", written: text };
  if (pathForm.test(text)) return { kind: "local", written: text, path: text, format: null, image: null };
  const local = localForm.exec(text);
  if (local !== null) {
    const [, scheme = "", path = "", image] = local;
    const format =
      scheme === "oci" ? "oci-layout" : scheme === "oci-archive" ? "oci-archive" : "docker-archive";
    return { kind: "local", written: text, path, format, image: image ?? null };
  }
  return parseRegistryReference(text);
}

const pathComponent = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagForm = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const domainForm =
  /^(?:(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;
const maximumNameLength = 255;

/**
 * Reads an image reference with Docker's rules for what is left out.
 * @throws Failure `InvalidImageReference`
 */
export function parseRegistryReference(text: string): RegistryReference {
  if (text === "") throw invalidReference(text, "it is empty");
  if (/\s/.test(text)) throw invalidReference(text, "it holds white space");
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw invalidReference(text, "a scheme has no place in it", `write ${text.replace(/^[^:]*:\/\//, "")}`);
  }
  if (/^[0-9a-f]{64}$/.test(text)) {
    throw invalidReference(text, "an image id says not where to find it", "name a repository: NAME@sha256:…");
  }
  const { name, tag, digest } = splitSuffixes(text);
  const { registry, repository } = splitDomain(text, name);
  checkRepository(text, repository);
  if (`${registry}/${repository}`.length > maximumNameLength) {
    throw invalidReference(text, `its name is longer than ${maximumNameLength} characters`);
  }
  return {
    kind: "registry",
    written: text,
    registry,
    repository,
    tag: tag ?? (digest === null ? "latest" : null),
    digest,
  };
}

function splitSuffixes(text: string): { name: string; tag: string | null; digest: Sha256Digest | null } {
  const at = text.indexOf("@");
  const beforeDigest = at === -1 ? text : text.slice(0, at);
  const digestText = at === -1 ? null : text.slice(at + 1);
  if (digestText !== null && !isSha256Digest(digestText)) {
    throw invalidReference(
      text,
      "after the @ stands no SHA-256 digest",
      "write sha256: and 64 lower-case hex digits",
    );
  }
  const colon = beforeDigest.indexOf(":", beforeDigest.lastIndexOf("/") + 1);
  // In `[::1]:5000/name` and `host:5000/name` the colons stand before the last slash.
  const name = colon === -1 ? beforeDigest : beforeDigest.slice(0, colon);
  const tag = colon === -1 ? null : beforeDigest.slice(colon + 1);
  if (tag !== null && !tagForm.test(tag)) {
    throw invalidReference(text, tag === "" ? "its tag is empty" : `${JSON.stringify(tag)} cannot be a tag`);
  }
  return { name, tag, digest: digestText };
}

function splitDomain(text: string, name: string): { registry: string; repository: string } {
  const slash = name.indexOf("/");
  const first = slash === -1 ? "" : name.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  const written = isDomain ? first : dockerHub.name;
  const rest = isDomain ? name.slice(slash + 1) : name;
  checkPort(text, written);
  if (!domainForm.test(written) || !URL.canParse(`https://${written}`)) {
    throw invalidReference(text, `${JSON.stringify(written)} cannot be a registry's host`);
  }
  const registry = written === dockerHub.legacyName ? dockerHub.name : written;
  if (registry === dockerHub.name && !rest.includes("/")) {
    return { registry, repository: `${dockerHub.officialNamespace}/${rest}` };
  }
  return { registry, repository: rest };
}

function checkPort(text: string, registry: string): void {
  const port = /:(\d+)$/.exec(registry)?.[1];
  if (port === undefined || (Number(port) >= 1 && Number(port) <= 65535)) return;
  throw invalidReference(text, `${port} cannot be a port`, "write a port from 1 to 65535, or leave it out");
}

function checkRepository(text: string, repository: string): void {
  for (const component of repository.split("/")) {
    if (pathComponent.test(component)) continue;
    if (component === "") throw invalidReference(text, "a part of its name is empty");
    if (pathComponent.test(component.toLowerCase())) {
      throw invalidReference(
        text,
        "its name has to be lower-case",
        `did you mean ${text.replace(component, component.toLowerCase())}?`,
      );
    }
    throw invalidReference(text, `${JSON.stringify(component)} cannot be a part of a name`);
  }
}

/** The full form, which names the same image whatever was left out, e.g. `docker.io/library/debian:12`. */
export function canonicalReference(reference: RegistryReference): string {
  const tag = reference.tag === null ? "" : `:${reference.tag}`;
  const digest = reference.digest === null ? "" : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** What to ask the registry for: the digest when there is one, because a tag may have moved. */
export function manifestSelector(reference: RegistryReference): string {
  return reference.digest ?? reference.tag ?? "latest";
}

/** True for registries on this very computer, the only ones that are spoken to without TLS. */
export function isLoopbackRegistry(registry: string): boolean {
  const host = registry.replace(/:[0-9]+$/, "").toLowerCase();
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Where the registry's HTTP API is. */
export function registryOrigin(registry: string): URL {
  const host = registry === dockerHub.name ? dockerHub.apiHost : registry;
  return new URL(`${isLoopbackRegistry(registry) ? "http" : "https"}://${host}`);
}
