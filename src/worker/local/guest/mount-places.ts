/*
 * Where a builder has what its steps mount, in the guest. All of it is below /dev, which is memory: no layer holds it, and
 * a builder's first look at its own state leaves it out.
 */

/** The second disk. */
export const scratchPath = "/dev/.lightbox-scratch";

const volumesPath = "/dev/.lightbox-volumes";

/** Secrets, in memory. */
export const secretsPath = "/dev/.lightbox-secrets";

/** Sockets of ssh agents. */
export const agentsPath = "/dev/.lightbox-agents";

/** What a step must not see but through its own mounts. */
export const coveredPaths: readonly string[] = [scratchPath, volumesPath, secretsPath, agentsPath];

export function volumePath(name: string): string {
  return `${volumesPath}/${name}`;
}
