/** The arguments that exist in the global scope of every Lightfile without being declared. */
export function predefinedArguments(platform: string, target: string | null): ReadonlyMap<string, string> {
  const [system = "", architecture = "", variant = ""] = platform.split("/");
  const values = new Map<string, string>();
  // The builder is a microVM of the target's platform, so both families say the same.
  for (const family of ["TARGET", "BUILD"]) {
    values.set(`${family}PLATFORM`, platform);
    values.set(`${family}OS`, system);
    values.set(`${family}ARCH`, architecture);
    values.set(`${family}VARIANT`, variant);
  }
  values.set("TARGETSTAGE", target ?? "default");
  return values;
}

const proxyNames = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/** Build arguments that reach every RUN without a declaration, and then are in no key. */
export const proxyArguments: ReadonlySet<string> = new Set(
  proxyNames.flatMap((name) => [name, name.toLowerCase()]),
);
