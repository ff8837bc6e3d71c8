import type { LayerKey } from "../model/identifiers.ts";
import type { SnapshotSource } from "../worker/worker.ts";
import type { KnownLayer } from "./layer-lookup.ts";

export type OutputValues = Readonly<Record<string, string>>;

/** What the steps up to a layer printed for the variables of `ENV --from-output`. */
export function outputValuesOf(
  layer: LayerKey | null,
  layers: ReadonlyMap<LayerKey, Pick<KnownLayer, "outputValues">>,
): OutputValues {
  return (layer === null ? undefined : layers.get(layer)?.outputValues) ?? {};
}

/**
 * What is published: the values stand in the environment, and no variable is left without.
 * @throws Error (a bug) when a value is not known
 */
export function withOutputValues<Source extends SnapshotSource>(
  source: Source,
  values: OutputValues,
): Source {
  const { environment, outputVariables } = source.configuration;
  if (outputVariables.length === 0) return source;
  const printed = outputVariables.map((name) => {
    const value = values[name];
    if (value === undefined) throw new Error(`internal error: nothing is known of the value of ${name}`);
    return [name, value] as const;
  });
  return {
    ...source,
    configuration: {
      ...source.configuration,
      environment: { ...environment, ...Object.fromEntries(printed) },
      outputVariables: [],
    },
  };
}
