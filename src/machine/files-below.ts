import { readdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * Every file and link below a folder, as paths that start with it. Links to folders are not followed, which
 * `readdir` with `recursive` does.
 */
export async function filesBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) found.push(...(await filesBelow(path)));
    else found.push(path);
  }
  return found;
}
