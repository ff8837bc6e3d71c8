import { get } from "node:http";

export interface ReadinessCheck {
  readonly hostPort: number;
  readonly token: string;
  readonly path: string;
  readonly timeoutMs: number;
}

/**
 * Whether the worker in the machine answers. Any answer counts, a refusal too: what it says is the client's
 * matter. A closed port, silence or a server's own error is "not yet".
 */
export function answersHttp(check: ReadinessCheck): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      {
        host: "127.0.0.1",
        port: check.hostPort,
        path: check.path,
        headers: { authorization: `Bearer ${check.token}`, connection: "close" },
        agent: false,
        signal: AbortSignal.timeout(check.timeoutMs),
      },
      (response) => {
        response.resume();
        response.on("error", () => resolve(false));
        response.on("end", () => resolve((response.statusCode ?? 500) < 500));
      },
    );
    request.on("error", () => resolve(false));
  });
}
