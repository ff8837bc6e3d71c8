import type { SandboxConfiguration } from "../model/sandbox-configuration.ts";

/** What Docker runs: ENTRYPOINT with CMD, or the given words in CMD's place; a shell when there is neither. */
export function commandOf(configuration: SandboxConfiguration, words: readonly string[]): readonly string[] {
  const argv = ownCommandOf(configuration, words);
  return argv.length > 0 ? argv : shellOf(configuration);
}

/** Empty when neither the snapshot nor the user names a command. */
export function ownCommandOf(
  configuration: SandboxConfiguration,
  words: readonly string[],
): readonly string[] {
  return [...(configuration.entrypoint ?? []), ...(words.length > 0 ? words : (configuration.command ?? []))];
}

/** The program of SHELL, to type into. */
export function shellOf({ shell }: SandboxConfiguration): readonly string[] {
  return shell.slice(0, 1);
}
