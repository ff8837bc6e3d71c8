import type { CopyDefinition, LookedUpImage } from "../graph/plan.ts";
import { ContextTrouble } from "./context-trouble.ts";
import type { SelectedSource } from "./select-sources.ts";

/**
 * Refuses a wildcard's many sources where the destination is one name.
 * @throws ContextTrouble `DestinationNotDirectory`
 */
export function checkDestination(
  sources: readonly SelectedSource[],
  {
    destination,
    destinationIsDirectory,
  }: Pick<CopyDefinition<LookedUpImage>, "destination" | "destinationIsDirectory">,
): void {
  const files = sources.filter((source) => source.kind === "file");
  if (sources.length < 2 || files.length === 0 || destinationIsDirectory) return;
  throw new ContextTrouble(
    "DestinationNotDirectory",
    `the wildcard matches ${sources.length} sources, which cannot go to the one name ${destination}`,
    `end the destination with a slash: ${destination}/`,
  );
}
