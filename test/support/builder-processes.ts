import { readdir, readFile } from "node:fs/promises";
import { machineShell, usesMachine } from "./machine-shell.ts";

/** Process ids of the microVMs that run as builders, in the machine where there is one. */
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
    const commandLine = await readFile(`/proc/${entry}/cmdline`, "utf8").catch((error: unknown) => {
      // It ended while we looked.
      if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
        return "";
      throw error;
    });
    if (commandLine.includes("\0--name\0lightbox-build-")) found.push(Number(entry));
  }
  return found;
}
