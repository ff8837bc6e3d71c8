import { readdir, readFile } from "node:fs/promises";

/** Ids of this host's processes whose command line holds the text; NUL stands between its words. */
export async function processesNaming(text: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const commandLine = await readFile(`/proc/${entry}/cmdline`, "utf8").catch((error: unknown) => {
      // It ended while we looked.
      if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
        return "";
      throw error;
    });
    if (commandLine.includes(text)) found.push(Number(entry));
  }
  return found;
}
