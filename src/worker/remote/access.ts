import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { Failure } from "../../diagnostics/failure.ts";
import { workerProtocol } from "../worker.ts";
import { protocolHeader, versionHeader } from "./protocol.ts";

export interface Access {
  readonly token: string;
  /** Of this lightbox. */
  readonly version: string;
}

/** Headers that a client sends with every request, and (without the token) a server with every answer. */
export function clientHeaders({ token, version }: Access): Record<string, string> {
  return { authorization: `Bearer ${token}`, ...serverHeaders(version) };
}

export function serverHeaders(version: string): Record<string, string> {
  return { [protocolHeader]: String(workerProtocol), [versionHeader]: version };
}

/**
 * Whether a request may go on, told from its headers alone.
 * @throws Failure `WorkerRefusedToken`, `WorkerVersionMismatch`
 */
export function checkClient(headers: IncomingHttpHeaders, { token, version }: Access): void {
  if (!isSameSecret(headers.authorization ?? "", `Bearer ${token}`)) throw refusedToken();
  const protocol = headerText(headers[protocolHeader]);
  if (protocol === String(workerProtocol)) return;
  const clientVersion = headerText(headers[versionHeader]);
  throw versionMismatch({
    client: { version: clientVersion ?? "unknown", protocol: protocol ?? "none" },
    server: { version, protocol: String(workerProtocol) },
  });
}

/**
 * Whether an answer comes from a worker that this client understands.
 * @returns false when it does not come from a lightbox worker at all
 * @throws Failure `WorkerVersionMismatch`
 */
export function checkServer(headers: IncomingHttpHeaders, version: string): boolean {
  const protocol = headerText(headers[protocolHeader]);
  if (protocol === undefined) return false;
  if (protocol === String(workerProtocol)) return true;
  const serverVersion = headerText(headers[versionHeader]) ?? "unknown";
  throw versionMismatch({
    client: { version, protocol: String(workerProtocol) },
    server: { version: serverVersion, protocol },
  });
}

interface Side {
  readonly version: string;
  readonly protocol: string;
}

function versionMismatch({ client, server }: { readonly client: Side; readonly server: Side }): Failure {
  const describe = (side: Side) => `lightbox ${side.version} (worker protocol ${side.protocol})`;
  return new Failure({
    code: "WorkerVersionMismatch",
    category: "environment",
    message: `this client is ${describe(client)}, but the worker is ${describe(server)}`,
    hint: "install the same version of lightbox on both sides, and restart the worker",
  });
}

function refusedToken(): Failure {
  return new Failure({
    code: "WorkerRefusedToken",
    category: "environment",
    message: "the worker refused the token",
    hint: "use this worker's own token: `lightbox serve` says where it is kept",
  });
}

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** In constant time: the hashes hide how much of the secret, and how many characters, were right. */
function isSameSecret(left: string, right: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(left), hash(right));
}
