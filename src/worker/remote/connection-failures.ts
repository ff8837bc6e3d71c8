import { Failure, systemErrorCode } from "../../diagnostics/failure.ts";

/** What a client says when the network or the other end lets it down. `url` is the worker's. */
export function unreachable(url: URL, cause: unknown): Failure {
  return new Failure({
    code: "WorkerUnreachable",
    category: "environment",
    message: `no worker can be reached at ${url.hostname} port ${portOf(url)}: ${reasonOf(cause)}`,
    hint: "check the address, that `lightbox serve` runs there, and that no firewall is in between",
    cause,
  });
}

export function notAWorker(url: URL, status: number | undefined): Failure {
  return new Failure({
    code: "WorkerUnreachable",
    category: "environment",
    message: `what answers at ${url.hostname} port ${portOf(url)} is not a lightbox worker (HTTP status ${status})`,
    hint: "check the address; behind a proxy, check that the proxy reaches the worker",
  });
}

export function connectionLost(url: URL, during: string, cause?: unknown): Failure {
  const reason = cause === undefined ? "" : `: ${reasonOf(cause)}`;
  return new Failure({
    code: "WorkerConnectionLost",
    category: "environment",
    message: `the connection to the worker at ${url.host} was lost while ${during}${reason}`,
    hint: "layers that were sealed are kept: check that the worker runs, and run the command again",
    cause,
  });
}

/** The end of a call whose signal has aborted. */
export function cancelledBy(signal: AbortSignal): Failure {
  const { reason } = signal;
  if (reason instanceof Failure && reason.category === "cancelled") return reason;
  return new Failure({ code: "Cancelled", category: "cancelled", message: "cancelled", cause: reason });
}

function portOf(url: URL): string {
  if (url.port !== "") return url.port;
  return url.protocol === "https:" ? "443" : "80";
}

function reasonOf(cause: unknown): string {
  switch (systemErrorCode(cause)) {
    case "ECONNREFUSED":
      return "the connection is refused; nothing listens there";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host's name cannot be resolved";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "there is no route to the host";
    case "ECONNRESET":
    case "EPIPE":
      return "the other end closed the connection";
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
