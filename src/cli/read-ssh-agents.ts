import { once } from "node:events";
import { stat } from "node:fs/promises";
import { connect } from "node:net";
import { resolve } from "node:path";
import { sshAgentsAt } from "../bake/ssh-agents.ts";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import type { SshAgents } from "../worker/worker.ts";
import type { SecretSurroundings } from "./read-secrets.ts";

const idPattern = /^[^\s/,=]+$/;

/**
 * The agents that each `--ssh` names, each of which is asked for a connection before anything starts.
 * @throws Failure `InvalidSshAgent`, `SshAgentUnreachable`
 */
export async function readSshAgents(
  options: readonly string[],
  { environment, workingDirectory }: SecretSurroundings,
): Promise<SshAgents> {
  const sockets = new Map<string, string>();
  for (const text of options) {
    const { id, path } = parseSshAgent(text);
    if (sockets.has(id)) throw invalid(`the ssh agent ${id} is given twice`);
    const written = path ?? environment.SSH_AUTH_SOCK ?? "";
    if (written === "") throw noSocketNamed(id);
    const socket = resolve(workingDirectory, written);
    await requireAgent(id, socket);
    sockets.set(id, socket);
  }
  return sshAgentsAt(sockets);
}

/** `ID`, which is the agent that SSH_AUTH_SOCK names, or `ID=SOCKET`. */
function parseSshAgent(text: string): { readonly id: string; readonly path: string | null } {
  const equals = text.indexOf("=");
  const id = equals === -1 ? text : text.slice(0, equals);
  if (!idPattern.test(id)) throw invalid(`--ssh ${text} does not begin with a word that can name an agent`);
  const path = equals === -1 ? "" : text.slice(equals + 1);
  return { id, path: path === "" ? null : path };
}

async function requireAgent(id: string, path: string): Promise<void> {
  try {
    if (!(await stat(path)).isSocket()) throw noAgentSocket(id, path);
    const connection = connect(path);
    try {
      await once(connection, "connect");
    } finally {
      connection.destroy();
    }
  } catch (error) {
    const code = systemErrorCode(error);
    if (error instanceof Failure || code === undefined) throw error;
    throw new Failure({
      code: "SshAgentUnreachable",
      category: "usage",
      message: `--ssh ${id}: no agent answers at ${path} (${code})`,
      hint: "start one with `eval $(ssh-agent)` and give it keys with ssh-add, or name the socket of another: --ssh ID=SOCKET",
      cause: error,
    });
  }
}

function noAgentSocket(id: string, path: string): Failure {
  return new Failure({
    code: "SshAgentUnreachable",
    category: "usage",
    message: `--ssh ${id}: ${path} is not an agent's socket, and keys are given to no builder`,
    hint: `give the key to an agent, \`ssh-add ${path}\`, and the agent to the bake: --ssh ${id}`,
  });
}

function noSocketNamed(id: string): Failure {
  return new Failure({
    code: "SshAgentUnreachable",
    category: "usage",
    message: `--ssh ${id}: SSH_AUTH_SOCK is not set, so that no agent is known here`,
    hint: "start one with `eval $(ssh-agent)` and give it keys with ssh-add, or name its socket: --ssh ID=SOCKET",
  });
}

function invalid(message: string): Failure {
  const hint = "write --ssh default, or --ssh ID=SOCKET with the socket of an agent";
  return new Failure({ code: "InvalidSshAgent", category: "usage", message, hint });
}
