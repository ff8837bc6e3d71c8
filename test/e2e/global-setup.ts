import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { makeBase } from "../../examples/base/make-base.ts";
import { endToEndFilesAtOnce, machineMemoryMib, shareInstallation } from "../support/end-to-end-machines.ts";
import { lightbox, lightboxOk } from "../support/lightbox-command.ts";

/** Installs what microVMs need here, for as many homes as files run at once, and leaves nothing behind. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  process.env.LIGHTBOX_MACHINE_DISK ??= "24";
  process.env.LIGHTBOX_MACHINE_MEMORY ??= String(machineMemoryMib);
  const first = await mkdtemp(join(tmpdir(), "lightbox-e2e-"));
  const homes = [first];
  const tearDown = async (): Promise<void> => {
    for (const home of homes) await lightbox(["machine", "rm", "--force"], inHome(home));
    for (const home of homes) await rm(home, { recursive: true, force: true });
  };
  try {
    await lightboxOk(["machine", "init", "--if-needed", "--yes"], inHome(first));
    while (homes.length < endToEndFilesAtOnce()) {
      const home = await mkdtemp(join(tmpdir(), "lightbox-e2e-"));
      homes.push(home);
      await shareInstallation(first, home);
    }
    const busyboxBase = join(first, "busybox.tar");
    await makeBase(busyboxBase, { kind: "busybox" });
    project.provide("homes", homes);
    project.provide("busyboxBase", busyboxBase);
    return tearDown;
  } catch (error) {
    await tearDown();
    throw error;
  }
}

function inHome(home: string) {
  return { environment: { LIGHTBOX_HOME: home } };
}
