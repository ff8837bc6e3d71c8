import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { makeBase } from "../../examples/base/make-base.ts";
import { lightbox, lightboxOk } from "../support/lightbox-command.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** LIGHTBOX_HOME of all end-to-end tests: one machine serves them all where the host has no virtualization. */
    home: string;
    /** Archive of the busybox base image. */
    busyboxBase: string;
  }
}

/** Installs and starts what microVMs need here, and leaves nothing behind. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(join(tmpdir(), "lightbox-e2e-"));
  process.env.LIGHTBOX_HOME = home;
  process.env.LIGHTBOX_MACHINE_DISK ??= "24";
  const tearDown = async (): Promise<void> => {
    await lightbox(["machine", "rm", "--force"]);
    await rm(home, { recursive: true, force: true });
  };
  try {
    await lightboxOk(["machine", "init", "--if-needed", "--yes"]);
    const busyboxBase = join(home, "busybox.tar");
    await makeBase(busyboxBase, { kind: "busybox" });
    project.provide("home", home);
    project.provide("busyboxBase", busyboxBase);
    return tearDown;
  } catch (error) {
    await tearDown();
    throw error;
  }
}
