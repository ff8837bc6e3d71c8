/**
 * Manifests of the images that `FROM scratch` stands for, by processor: one layer without a file, the same wherever it is
 * made.
 */
const scratchDigests: ReadonlySet<string> = new Set([
  // amd64
  "sha256:079b772ea3f2ea805f102967ec0ad0565b9c6b93343e8b4c9de304095d5550a8",
  // arm64
  "sha256:a7afb203325649902fc0ae2781f173db750dee0d75cb5e0023a6f9b84715ad13",
]);

export function isScratch(imageDigest: string): boolean {
  return scratchDigests.has(imageDigest);
}
