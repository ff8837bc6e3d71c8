import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type BaseRecipe, makeBase } from "../../examples/base/make-base.ts";

/** An OCI archive with Debian's static busybox (2 MB), in `folder`. @returns its path */
export function busyboxBase(folder: string): Promise<string> {
  return cachedBase(folder, { kind: "busybox" });
}

/**
 * An OCI archive with a small Debian whose apt works (about 120 MB), in `folder`.
 * @param options.packages what is in it besides apt, e.g. `nodejs`
 * @returns its path
 */
export function debianBase(
  folder: string,
  options: { readonly packages?: readonly string[] } = {},
): Promise<string> {
  return cachedBase(folder, { kind: "debian", packages: options.packages ?? [] });
}

/** Goes with the checkout: a test run leaves nothing elsewhere. */
const checkoutCache = join(import.meta.dirname, "../../node_modules/.cache/lightbox-test");

/** Bases are made once and copied for each test, which may do with its copy what it likes. */
async function cachedBase(folder: string, recipe: BaseRecipe): Promise<string> {
  const cache = process.env.LIGHTBOX_TEST_CACHE ?? checkoutCache;
  await mkdir(cache, { recursive: true });
  const made = join(cache, `base-${await recipeKey(recipe)}.tar`);
  // Two tests that find nothing both make it: the file appears whole, and theirs are the same.
  if (!(await exists(made))) await makeBase(made, recipe);
  const copy = join(folder, `${[recipe.kind, ...packagesOf(recipe)].join("-")}.tar`);
  await mkdir(folder, { recursive: true });
  await copyFile(made, copy, constants.COPYFILE_FICLONE);
  return copy;
}

function packagesOf(recipe: BaseRecipe): readonly string[] {
  return recipe.kind === "debian" ? recipe.packages : [];
}

/** Changes with the recipe and with the code that carries it out. */
async function recipeKey(recipe: BaseRecipe): Promise<string> {
  const repository = join(import.meta.dirname, "../..");
  const recipes = join(repository, "examples/base");
  const names = (await readdir(recipes)).filter((file) => file.endsWith(".ts")).sort();
  const sources = [
    ...names.map((name) => join(recipes, name)),
    join(repository, "src/images/layout-writer.ts"),
  ];
  const hash = createHash("sha256").update(JSON.stringify(recipe));
  for (const path of sources) hash.update(await readFile(path));
  return hash.digest("hex").slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
