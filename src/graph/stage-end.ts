import type { BaseImage } from "../model/base-image.ts";
import {
  defaultPath,
  emptyConfiguration,
  type SandboxConfiguration,
} from "../model/sandbox-configuration.ts";
import { type BuilderResources, defaultDiskSizeMib } from "./plan.ts";

/** What a stage gives to one that is `FROM` it. */
export interface StageEnd {
  readonly configuration: SandboxConfiguration;
  readonly variables: ReadonlyMap<string, string>;
  readonly unsureVariables: ReadonlySet<string>;
  /** See `Scope`. */
  readonly declaredVariables: ReadonlySet<string>;
  readonly resources: BuilderResources;
}

/** What an image gives; undefined: one of which nothing is known. */
export function imageEnd(image: BaseImage | undefined): StageEnd {
  const configuration = image?.configuration ?? emptyConfiguration;
  const environment = { PATH: defaultPath, ...configuration.environment };
  return {
    configuration: { ...configuration, environment },
    variables: new Map(image === undefined ? [] : Object.entries(environment)),
    unsureVariables: new Set(),
    declaredVariables: new Set(),
    resources: { cpus: null, memoryMib: null, diskSizeMib: defaultDiskSizeMib },
  };
}
