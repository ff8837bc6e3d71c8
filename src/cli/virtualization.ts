import { join } from "node:path";
import { probeVirtualization, type Virtualization } from "../machine/probe.ts";
import { findPackageDirectory } from "./package-directory.ts";
import type { Session } from "./session.ts";

/** The hidden command that the probe runs in a process of its own. */
export const probeChildCommand = "probe-child";

export async function probe(session: Session, force = false): Promise<Virtualization> {
  return await probeVirtualization(
    {
      home: session.home.directory,
      command: [process.execPath, join(findPackageDirectory(), "dist", "cli.js"), probeChildCommand],
      override: session.environment.LIGHTBOX_VIRTUALIZATION,
      force,
    },
    session.signal,
  );
}

/** Where microVMs run: on this host, or in the machine. */
export async function decideVirtualization(session: Session): Promise<"native" | "machine"> {
  return (await probe(session)).isUsable ? "native" : "machine";
}
