/** Node.js's name of this platform as OCI images spell it, e.g. `linux/amd64`. Guests always run Linux. */
export function guestPlatform(architecture: string = process.arch): string {
  return `linux/${architecture === "x64" ? "amd64" : architecture}`;
}
