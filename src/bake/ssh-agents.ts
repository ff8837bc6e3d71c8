import { connect } from "node:net";
import type { SshAgents } from "../worker/worker.ts";

/** Agents that listen on sockets of this host, by id; `default` is the id of a mount that names none. */
export function sshAgentsAt(sockets: ReadonlyMap<string, string>): SshAgents {
  return {
    ids: new Set(sockets.keys()),
    connect: (id) => {
      const path = sockets.get(id);
      if (path === undefined) throw new Error(`internal error: no ssh agent ${id}`);
      return connect(path);
    },
  };
}
