import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { isSha256Digest, type Sha256Digest } from "../model/identifiers.ts";
import type { SandboxConfiguration } from "../model/sandbox-configuration.ts";
import { configurationSchema } from "../model/sandbox-configuration-schema.ts";
import { isSystemError, storeTrouble } from "./image-failures.ts";

/** Where the blobs of an image came from and can be had again. */
export type ImageOrigin = v.InferOutput<typeof originSchema>;

/** An image by digest, with all that a cached bake asks of it. */
export interface ResolvedImage {
  readonly digest: Sha256Digest;
  readonly platform: string;
  readonly configuration: SandboxConfiguration;
  readonly origin: ImageOrigin;
}

/** What a reference meant when it was last resolved. */
export interface ResolvedReference {
  readonly digest: Sha256Digest;
  /** State of the file that was read; the reference is resolved again when it differs. Null for registries. */
  readonly witness: string | null;
}

/** 2: configurations have HEALTHCHECK and ONBUILD. */
const fileVersion = 2;
/** Beyond these the least recently resolved are forgotten, so that reading the file stays cheap. */
const maximumReferences = 500;
const maximumImages = 500;

const originSchema = v.variant("kind", [
  v.object({ kind: v.literal("registry"), reference: v.string() }),
  v.object({
    kind: v.literal("local"),
    path: v.string(),
    format: v.nullable(v.picklist(["docker-archive", "oci-archive", "oci-layout"])),
    image: v.nullable(v.string()),
  }),
  v.object({ kind: v.literal("scratch") }),
]);
const digestSchema = v.custom<Sha256Digest>((input) => typeof input === "string" && isSha256Digest(input));
const fileSchema = v.object({
  version: v.literal(fileVersion),
  /** By reference and platform; the most recently resolved last. */
  references: v.array(v.object({ key: v.string(), digest: digestSchema, witness: v.nullable(v.string()) })),
  images: v.array(
    v.object({
      digest: digestSchema,
      platform: v.string(),
      configuration: configurationSchema,
      origin: originSchema,
    }),
  ),
});
type ResolvedFile = v.InferOutput<typeof fileSchema>;

/**
 * `resolved.json`: which digest a reference means, so that a second bake asks nobody. It is a cache: a file that
 * cannot be understood counts as empty. Processes that write at once may lose each other's additions, which only
 * costs resolving again; the file itself is replaced atomically.
 */
export class ResolvedImages {
  readonly path: string;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  /** What the reference was last resolved to, for a platform. */
  async find(
    reference: string,
    platform: string,
  ): Promise<{ reference: ResolvedReference; image: ResolvedImage } | undefined> {
    const file = this.#load();
    const found = file.references.find((entry) => entry.key === keyOf(reference, platform));
    const image = file.images.find((entry) => entry.digest === found?.digest);
    return found === undefined || image === undefined ? undefined : { reference: found, image };
  }

  async findImage(digest: Sha256Digest): Promise<ResolvedImage | undefined> {
    return this.#load().images.find((image) => image.digest === digest);
  }

  async remember(reference: string, witness: string | null, image: ResolvedImage): Promise<void> {
    const key = keyOf(reference, image.platform);
    await this.#change((file) => {
      const references = file.references.filter((entry) => entry.key !== key);
      references.push({ key, digest: image.digest, witness });
      const images = file.images.filter((entry) => entry.digest !== image.digest);
      images.push({ ...image, configuration: mutable(image.configuration) });
      return {
        version: fileVersion,
        references: references.slice(-maximumReferences),
        images: images.slice(-maximumImages),
      };
    });
  }

  #load(): ResolvedFile {
    const empty: ResolvedFile = { version: fileVersion, references: [], images: [] };
    try {
      // Not through the thread pool: to go there and back takes longer than to read it.
      const result = v.safeParse(fileSchema, JSON.parse(readFileSync(this.path, "utf8")));
      return result.success ? result.output : empty;
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT" || error instanceof SyntaxError) return empty;
      if (!isSystemError(error)) throw error;
      throw new Failure({
        code: "ClientFileUnreadable",
        category: "environment",
        message: `cannot read ${this.path}: ${error.message}`,
        hint: "make the file readable, or remove it: lightbox makes it again",
        cause: error,
      });
    }
  }

  /** One change after the other within this process. */
  async #change(change: (file: ResolvedFile) => ResolvedFile): Promise<void> {
    const previous = this.#writing;
    const next = (async () => {
      await previous;
      const changed = change(this.#load());
      const { default: writeFileAtomic } = await import("write-file-atomic");
      try {
        await mkdir(dirname(this.path), { recursive: true });
        await writeFileAtomic(this.path, `${JSON.stringify(changed)}\n`);
      } catch (error) {
        throw storeTrouble(this.path, error);
      }
    })();
    // A write that failed is its caller's to report; it does not stop the writes after it.
    this.#writing = Promise.allSettled([next]);
    await next;
  }
}

function keyOf(reference: string, platform: string): string {
  return `${platform} ${reference}`;
}

function mutable(configuration: SandboxConfiguration): ResolvedFile["images"][number]["configuration"] {
  const list = (values: readonly string[] | null): string[] | null => (values === null ? null : [...values]);
  return {
    ...configuration,
    entrypoint: list(configuration.entrypoint),
    command: list(configuration.command),
    shell: [...configuration.shell],
    exposedPorts: [...configuration.exposedPorts],
    volumes: [...configuration.volumes],
  };
}
