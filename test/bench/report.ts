import prettyBytes from "pretty-bytes";
import type { CachedBakeResult } from "./cached-bake.ts";
import type { Comparison } from "./compare.ts";
import type { LayersResult } from "./layers.ts";
import type { ParseResult } from "./parse.ts";

const milliseconds = (value: number): string => `${value.toFixed(0)} ms`;
const ratio = (value: number): string => `${value.toFixed(2)}x`;
const bytes = (value: number): string => prettyBytes(value, { binary: true });

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

export function cachedSection(fileCount: number, result: CachedBakeResult): string {
  const row = (peer: string, { oursMs, theirsMs, ratio: ours }: Comparison): readonly string[] => [
    peer,
    milliseconds(oursMs),
    milliseconds(theirsMs),
    ratio(ours),
  ];
  return `## A bake of ten steps, all cached, context of ${fileCount} files

${table(
  ["against", "lightbox", "peer", "lightbox / peer"],
  [
    row("docker build (BuildKit)", result.buildkit),
    row("buildah bud --layers", result.buildah),
    row("docker build, nothing remembered by lightbox", result.anew),
  ],
)}

Peak memory of lightbox: ${bytes(result.peakMemoryBytes)}.
`;
}

export function layersSection(result: LayersResult): string {
  const rows = result.parents.map((parent) => [
    bytes(parent.sizeBytes),
    milliseconds(parent.sealMs),
    milliseconds(parent.snapshotMs),
    ratio(parent.sealMs / parent.snapshotMs),
    milliseconds(parent.launchMs),
    milliseconds(parent.fromSnapshotMs),
    ratio(parent.launchMs / parent.fromSnapshotMs),
  ]);
  return `## Sealing a step and launching a sandbox over a parent layer

${table(["parent", "seal", "snapshot()", "ratio", "launch", "fromSnapshot()", "ratio"], rows)}

\`snapshot()\` and \`fromSnapshot()\` are microsandbox's own, on the same file system; sealing is flush, end of the builder and
rename; a launch includes the boot.

## Bytes stored for ten steps on a layer of 256 MB

${table(
  ["lightbox layers", "microsandbox snapshots", "ratio"],
  [
    [
      bytes(result.storedBytes),
      bytes(result.snapshotBytes),
      ratio(result.storedBytes / result.snapshotBytes),
    ],
  ],
)}
`;
}

export function parseSection({ lines, oursMs, theirsMs }: ParseResult): string {
  return `## Parsing ${lines} lines

${table(
  ["lightbox", "dockerfile-ast", "lightbox / peer"],
  [[milliseconds(oursMs), milliseconds(theirsMs), ratio(oursMs / theirsMs)]],
)}

dockerfile-ast parses and reads every instruction, flag and variable; so does lightbox.
`;
}

export interface MeasuredHost {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** False: microVMs ran in the machine, on emulated processors. */
  readonly hasVirtualization: boolean;
}

export function documentOf(sections: readonly string[], host: MeasuredHost): string {
  const microVms = host.hasVirtualization
    ? "microVMs ran on this host itself."
    : "no hardware virtualization: microVMs ran in the machine, which\nemulates their processors.";
  return `# Benchmarks

Written by \`npm run bench\`. Times differ from machine to machine; ratios come from one run on one machine, in turns. This run:
${host.cpus} CPUs (${host.cpu}), ${bytes(host.memoryBytes)} of memory, ${microVms}

${sections.join("\n")}`;
}
