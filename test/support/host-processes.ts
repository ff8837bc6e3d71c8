import { readdir, readFile } from "node:fs/promises";

/**
 * Ids of this host's processes whose command line holds the text; NUL stands between its words.
 * @param also `environment`: something that their environment holds, too
 */
export async function processesNaming(
  text: string,
  also: { readonly environment?: string } = {},
): Promise<readonly number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry) || !(await readProcess(entry, "cmdline")).includes(text)) continue;
    const { environment } = also;
    if (environment !== undefined && !(await readProcess(entry, "environ")).includes(environment)) continue;
    found.push(Number(entry));
  }
  return found;
}

/** Empty for one that has ended while we looked. */
async function readProcess(id: string, file: "cmdline" | "environ"): Promise<string> {
  return await readFile(`/proc/${id}/${file}`, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return "";
    throw error;
  });
}
