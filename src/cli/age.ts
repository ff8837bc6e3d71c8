import prettyMilliseconds from "pretty-ms";

/** `3 minutes ago`-style age of an ISO time. */
export function formatAge(isoTime: string, now: number = Date.now()): string {
  const milliseconds = now - Date.parse(isoTime);
  if (!(milliseconds >= 1000)) return "just now";
  return `${prettyMilliseconds(milliseconds, { compact: true, verbose: true })} ago`;
}
