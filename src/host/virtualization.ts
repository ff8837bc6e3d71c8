import { join } from "node:path";
import { probeVirtualization, type Virtualization } from "../machine/probe.ts";
import type { HostContext } from "./host-context.ts";
import { findPackageDirectory } from "./package-directory.ts";

/** The hidden command that the probe runs in a process of its own. */
export const probeChildCommand = "probe-child";

export async function probe(context: HostContext, force = false): Promise<Virtualization> {
  return await probeVirtualization(
    {
      home: context.home.directory,
      command: [process.execPath, join(findPackageDirectory(), "dist", "cli.js"), probeChildCommand],
      override: context.environment.LIGHTBOX_VIRTUALIZATION,
      force,
    },
    context.signal,
  );
}

/** Where microVMs run: on this host, or in the machine. */
export async function decideVirtualization(context: HostContext): Promise<"native" | "machine"> {
  return (await probe(context)).isUsable ? "native" : "machine";
}
