import { isIPv6 } from "node:net";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";

export interface ListenAttempt {
  readonly address: string;
  readonly port: number;
  /** What to do when another program has the port. */
  readonly otherPortHint: string;
}

/**
 * Why nothing can listen there: `PortInUse` or `AddressNotAllowed`; undefined when the error says nothing about the
 * address.
 */
export function listenFailure(error: unknown, attempt: ListenAttempt): Failure | undefined {
  const { address, port, otherPortHint } = attempt;
  const place = `${isIPv6(address) ? `[${address}]` : address}:${port}`;
  const code = systemErrorCode(error);
  switch (code) {
    case "EADDRINUSE":
      return new Failure({
        code: "PortInUse",
        category: "environment",
        message: `another program listens on ${place}`,
        hint: otherPortHint,
        cause: error,
      });
    case "EACCES":
    case "EPERM":
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
    case "EINVAL":
    case "ENOTFOUND":
      return new Failure({
        code: "AddressNotAllowed",
        category: "environment",
        message: `the system does not let lightbox listen on ${place} (${code})`,
        hint: "use an address of this host, such as 127.0.0.1, and a port above 1023",
        cause: error,
      });
    default:
      return undefined;
  }
}
