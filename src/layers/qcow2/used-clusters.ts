import { clusterBytes, imageRefused } from "./format.ts";

/** Which clusters of a file are in use: one bit each, sized by the file that is really there. */
export class UsedClusters {
  readonly clusterCount: number;
  readonly #bits: Uint8Array;

  constructor(clusterCount: number) {
    this.clusterCount = clusterCount;
    this.#bits = new Uint8Array(Math.ceil(clusterCount / 8));
  }

  /** @throws Failure `LayerImageRefused` when the cluster is claimed already */
  claim(hostOffset: number, path: string): void {
    const cluster = Math.floor(hostOffset / clusterBytes);
    if (cluster >= this.clusterCount) throw imageRefused(path, "it points behind the end of the file");
    if (this.has(cluster)) throw imageRefused(path, `cluster ${cluster} is used twice`);
    const at = cluster >> 3;
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (cluster & 7));
  }

  has(cluster: number): boolean {
    return ((this.#bits[cluster >> 3] ?? 0) & (1 << (cluster & 7))) !== 0;
  }
}
