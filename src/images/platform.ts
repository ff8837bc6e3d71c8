/** `os/architecture[/variant]` as OCI images name it. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | null;
}

/** @throws Error (a bug: platforms come from workers and from checked flags) when a part is missing. */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split("/");
  if (!os || !architecture || rest.length > 0) {
    throw new Error(`internal error: not a platform: ${JSON.stringify(text)}`);
  }
  return { os, architecture, variant: variant ?? null };
}

export function formatPlatform(platform: Platform): string {
  const variant = platform.variant === null ? "" : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}

/** A variant counts only where both sides name one; `arm64` and `arm64/v8` are the same. */
export function platformMatches(wanted: Platform, offered: Platform): boolean {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return false;
  return wanted.variant === null || offered.variant === null || wanted.variant === offered.variant;
}
