import { endToEndHome } from "./end-to-end-home.ts";
import { processesNaming } from "./host-processes.ts";
import { machineShell, usesMachine } from "./machine-shell.ts";

/** Process ids of the microVMs that run as builders for this file's home, in its machine where there is one. */
export async function builderProcesses(): Promise<readonly number[]> {
  if (!(await usesMachine()))
    return await processesNaming("\0--name\0lightbox-build-", { environment: endToEndHome() });
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
