/** What RESOURCES, and the options that stand in for it, may ask for. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
  /** The bounds as a person would write them. */
  readonly words: string;
}

export const cpuBounds: Bounds = { least: 1, most: 255, words: "from 1 to 255" };
/** In MiB. */
export const memoryBounds: Bounds = { least: 128, most: 1024 * 1024, words: "from 128M to 1T" };
export const diskBounds: Bounds = { least: 64, most: 16 * 1024 * 1024, words: "from 64M to 16T" };
