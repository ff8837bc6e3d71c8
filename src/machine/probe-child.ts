import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

/** What the probe's child process says through its exit code. */
export const probeExit = {
  booted: 0,
  bootFailed: 1,
  /** Nothing was learned about virtualization: the runtime is missing, the folder not writable, … */
  notTried: 2,
} as const;

/** How a probe ended, and why it did not succeed. */
export interface ProbeBoot {
  readonly exitCode: (typeof probeExit)[keyof typeof probeExit];
  readonly problem: string | null;
}

/**
 * Boots an empty microVM and ends it. Run it in a process of its own, which can be killed: where
 * virtualization is broken, opening `/dev/kvm` may never return.
 *
 * @param workDirectory gets a folder with the microVM's state, removed afterwards; short enough for sockets.
 */
export async function bootProbeSandbox(workDirectory: string): Promise<ProbeBoot> {
  await mkdir(workDirectory, { recursive: true });
  const home = await mkdtemp(join(workDirectory, "probe-"));
  try {
    process.env.MSB_HOME = home;
    let sdk: typeof import("microsandbox");
    try {
      sdk = await import("microsandbox");
    } catch (error) {
      return { exitCode: probeExit.notTried, problem: textOf(error) };
    }
    const root = join(home, "root");
    await mkdir(root);
    const sandbox = await sdk.Sandbox.builder("probe")
      .imageWith((image) => image.bind(root))
      .cpus(1)
      .memory(256)
      .replace()
      .create();
    await sandbox.kill();
    return { exitCode: probeExit.booted, problem: null };
  } catch (error) {
    return { exitCode: probeExit.bootFailed, problem: textOf(error) };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
