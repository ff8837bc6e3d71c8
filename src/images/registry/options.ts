/** How registries are spoken to; everything has a default. */
export interface RegistryOptions {
  /** Where Docker's config.json is looked for, and the PATH of credential helpers. Default: the process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** How often a request that failed in passing is made. Default 5. */
  readonly attempts?: number;
  /** Wait before the second attempt; it doubles from there. Default 250. */
  readonly firstDelayMs?: number;
  /** How long a registry may be silent. Default 60,000. */
  readonly silenceMs?: number;
  /** How long it may be silent, all attempts together, until something is heard of it for the first time. Default 15,000. */
  readonly firstAnswerMs?: number;
  /** Told before each wait for another attempt. */
  readonly onRetry?: (retry: RegistryRetry) => void;
}

export interface RegistryRetry {
  readonly registry: string;
  /** What was wrong with the last attempt. */
  readonly reason: string;
  readonly waitMs: number;
}
