import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchCommand, type Comparison, compareCommands, runCommand, timeCommand } from "./compare.ts";
import type { ContainerBuilders } from "./container-builders.ts";

export interface CachedBakeSetting {
  readonly folder: string;
  readonly home: string;
  readonly builders: ContainerBuilders;
  /** Archive of the base image, known to the container builders as `bench-base`. */
  readonly base: string;
}

export interface CachedBakeResult {
  readonly buildkit: Comparison;
  readonly buildah: Comparison;
  /** Of a bake that lightbox does not remember, so that it parses, plans and hashes anew; against BuildKit. */
  readonly anew: Comparison;
  /** Largest resident memory of lightbox in a cached bake. */
  readonly peakMemoryBytes: number;
}

const program = join(import.meta.dirname, "../../dist/cli.js");
const peakMemoryReporter = join(import.meta.dirname, "report-peak-memory.mjs");

/** The same ten steps for all; only FROM differs. Without RUN of anything slow: they are made once, then cached. */
function tenSteps(from: string, head: readonly string[]): string {
  const runs = Array.from({ length: 8 }, (_, index) => `RUN echo ${index} > /step-${index}`);
  return [
    `FROM ${from}`,
    ...head,
    "ENV MODE=bench",
    ...runs,
    "COPY files /files",
    "RUN ls /files > /list",
    "",
  ].join("\n");
}

/** Bakes once for real, then times bakes in which every step is cached, next to BuildKit and buildah. */
export async function benchCachedBake(
  setting: CachedBakeSetting,
  fileCount: number,
): Promise<CachedBakeResult> {
  const context = join(setting.folder, `context-${fileCount}`);
  await writeContext(context, fileCount);
  await writeFile(join(context, "Dockerfile"), tenSteps("bench-base", []));
  await writeFile(
    join(context, "Lightfile"),
    tenSteps(setting.base, [`SNAPSHOT bench-${fileCount}`, "RESOURCES cpus=2 memory=512M disk=2G"]),
  );
  await writeFile(join(context, ".dockerignore"), "Dockerfile\nLightfile\n");
  const lightbox = lightboxBake(context, setting.home);
  const docker = setting.builders.dockerBuild(context);
  const buildah = setting.builders.buildahBud(context);
  for (const command of [lightbox, docker, buildah]) await timeCommand(command);
  return {
    buildkit: await compareCommands(lightbox, docker),
    buildah: await compareCommands(lightbox, buildah, 5),
    anew: await compareCommands(forgetful(lightbox), docker),
    peakMemoryBytes: await peakMemory(lightbox),
  };
}

function lightboxBake(context: string, home: string): BenchCommand {
  return { argv: [process.execPath, program, "bake", "-q", context], environment: { LIGHTBOX_HOME: home } };
}

function forgetful({ argv, ...rest }: BenchCommand): BenchCommand {
  return { ...rest, argv: ["sh", "-c", 'rm -rf "$LIGHTBOX_HOME/remembered"; exec "$@"', "sh", ...argv] };
}

/** Files of a few hundred bytes, a hundred to a folder, like a source tree. */
async function writeContext(folder: string, fileCount: number): Promise<void> {
  for (let index = 0; index < fileCount; index++) {
    const directory = join(folder, "files", `part-${Math.floor(index / 100)}`);
    if (index % 100 === 0) await mkdir(directory, { recursive: true });
    await writeFile(join(directory, `file-${index}.txt`), `file ${index}\n`.repeat(1 + (index % 40)));
  }
}

async function peakMemory(command: BenchCommand): Promise<number> {
  const [node = process.execPath, ...words] = command.argv;
  const output = await runCommand({ ...command, argv: [node, "--import", peakMemoryReporter, ...words] });
  const match = /peak memory: (\d+)/.exec(output);
  if (match === null) throw new Error(`no peak memory in: ${output}`);
  return Number(match[1]);
}
