import { runCommand } from "./external-command.ts";

/** Paths of the shared libraries, loader included, that a program needs; none for a static program. */
export async function sharedLibraries(program: string, signal: AbortSignal): Promise<readonly string[]> {
  const listing = await runCommand(["ldd", program], { signal, timeoutMs: 20_000 });
  return parseLddOutput(listing.stdout);
}

/** Reads `name => /path (address)` and `/path/to/loader (address)` lines. */
export function parseLddOutput(text: string): readonly string[] {
  const paths = new Set<string>();
  for (const line of text.split("\n")) {
    const path = /(?:=>\s*|^\s*)(\/\S+)\s+\(0x/.exec(line)?.[1];
    if (path !== undefined) paths.add(path);
  }
  return [...paths];
}
