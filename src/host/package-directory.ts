import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of lightbox's package.json, from the source tree as well as from the bundle. */
export function findPackageDirectory(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("internal error: no package.json above the program");
    folder = parent;
  }
  return folder;
}
