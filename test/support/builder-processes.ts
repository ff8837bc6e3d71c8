import { readdir, readFile } from "node:fs/promises";
import { systemErrorCode } from "../../src/diagnostics/failure.ts";
import { endToEndHome } from "./end-to-end-home.ts";
import { machineShell, usesMachine } from "./machine-shell.ts";

/** Process ids of the microVMs that run as builders for this file's home, in its machine where there is one. */
export async function builderProcesses(): Promise<readonly number[]> {
  if (!(await usesMachine())) return await buildersOfThisHost();
  // The brackets keep the search from finding itself.
  const printed = await machineShell("ps -o pid,args | grep 'name [l]ightbox-build-' | sed 's/^/builder: /'");
  return [...printed.matchAll(/^builder: +(\d+) /gm)].map((match) => Number(match[1]));
}

/** Ends them as a crash would. */
export async function killBuilders(): Promise<void> {
  const found = await builderProcesses();
  if (found.length === 0) throw new Error("no builder runs");
  if (await usesMachine()) await machineShell(`kill -9 ${found.join(" ")}`);
  else for (const pid of found) process.kill(pid, "SIGKILL");
}

async function buildersOfThisHost(): Promise<readonly number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const isBuilder = (await readProcess(entry, "cmdline")).includes("\0--name\0lightbox-build-");
    // Files that run at the same time have builders, too, with homes of their own.
    if (isBuilder && (await readProcess(entry, "environ")).includes(endToEndHome()))
      found.push(Number(entry));
  }
  return found;
}

/** Empty for one that has ended while we looked. */
async function readProcess(id: string, file: "cmdline" | "environ"): Promise<string> {
  try {
    return await readFile(`/proc/${id}/${file}`, "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}
