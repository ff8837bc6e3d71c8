import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { writeOciArchive } from "../../src/images/layout-writer.ts";
import { busyboxRoot } from "./busybox-root.ts";
import { debianRoot } from "./debian-root.ts";
import type { RootEntry } from "./package-file.ts";
import { rootTar } from "./root-tar.ts";

/**
 * What a base is made of. `busybox`: Debian's busybox-static alone, about 2 MB. `debian`: a small Debian with a
 * working apt, and further packages.
 */
export type BaseRecipe =
  | { readonly kind: "busybox" }
  | { readonly kind: "debian"; readonly packages: readonly string[] };

/**
 * Makes a base image from Debian packages, as an OCI archive: without root, without a registry. The same packages give
 * the same digest.
 *
 * @returns the digest of the image
 */
export async function makeBase(path: string, recipe: BaseRecipe): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), "lightbox-base-"));
  try {
    const entries: AsyncGenerator<RootEntry> =
      recipe.kind === "busybox" ? busyboxRoot(work) : debianRoot(work, recipe.packages);
    const image = await writeOciArchive(resolve(path), {
      rootfs: rootTar(entries),
      settings: {
        Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        Cmd: ["/bin/sh"],
      },
      platform: { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64", variant: null },
    });
    return image.manifest.digest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function recipeOf(name: string, packages: readonly string[]): BaseRecipe {
  if (name === "busybox") return { kind: "busybox" };
  if (name === "debian") return { kind: "debian", packages };
  throw new Error(`no recipe named ${name}; usage: make-base.ts [FILE [busybox | debian [PACKAGE…]]]`);
}

if (import.meta.main) {
  const [path = join(import.meta.dirname, "base.tar"), recipe = "busybox", ...packages] =
    process.argv.slice(2);
  const digest = await makeBase(path, recipeOf(recipe, packages));
  process.stdout.write(`${path} ${digest}\n`);
}
