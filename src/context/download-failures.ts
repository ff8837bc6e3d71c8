import { Failure } from "../diagnostics/failure.ts";

/** Trouble that may be gone at the next attempt. */
export class TransientAnswer extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "TransientAnswer";
  }
}

export function downloadRefused(url: string, status: number): Failure {
  const gone = status === 404 || status === 410;
  return new Failure({
    code: "DownloadRefused",
    category: "usage",
    message: gone
      ? `there is no ${url} (status ${status})`
      : `the server does not give ${url} (status ${status})`,
    hint:
      status === 401 || status === 403
        ? "ADD has no password to show: fetch it in a RUN with --mount=type=secret"
        : "look at the address in a browser",
  });
}

export function downloadFailed(url: string, cause: Error): Failure {
  return new Failure({
    code: "DownloadFailed",
    category: "environment",
    message: `${url} cannot be fetched: ${cause.message}`,
    hint: "see whether this host reaches it, then bake again",
    cause,
  });
}

export function tooLarge(url: string, maximumBytes: number): Failure {
  return new Failure({
    code: "DownloadTooLarge",
    category: "usage",
    message: `${url} is larger than ${Math.floor(maximumBytes / 1024 ** 2)} MiB`,
    hint: "fetch it in a RUN, onto the builder's own disk",
  });
}
