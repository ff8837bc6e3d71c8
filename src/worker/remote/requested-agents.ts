import type { LineageClient, LineageStep } from "../worker.ts";

/** The ids of the ssh agents that the steps mount and the client has, each once. */
export function requestedAgents(
  steps: readonly LineageStep[],
  { sshAgents }: LineageClient,
): readonly string[] {
  const ids = steps.flatMap(({ operation }) => {
    if (operation.kind !== "run") return [];
    return operation.mounts.flatMap((mount) => (mount.kind === "ssh" ? [mount.id] : []));
  });
  return [...new Set(ids)].filter((id) => sshAgents?.ids.has(id));
}
