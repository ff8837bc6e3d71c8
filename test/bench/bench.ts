// Compares lightbox with its peers, in one run on one machine, and writes docs/benchmarks.md.
// `npm run bench -- cached` (or layers, parse) runs a part and only prints.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { makeBase } from "../../examples/base/make-base.ts";
import { benchCachedBake } from "./cached-bake.ts";
import { runCommand } from "./compare.ts";
import { startContainerBuilders } from "./container-builders.ts";
import { benchLayers } from "./layers.ts";
import { benchParse } from "./parse.ts";
import { cachedSection, documentOf, layersSection, parseSection } from "./report.ts";

const program = join(import.meta.dirname, "../../dist/cli.js");
const document = join(import.meta.dirname, "../../docs/benchmarks.md");

async function lightbox(home: string, ...words: readonly string[]): Promise<string> {
  return await runCommand({
    argv: [process.execPath, program, ...words],
    environment: { LIGHTBOX_HOME: home },
  });
}

const wanted = process.argv.slice(2);
const runs = (part: string): boolean => wanted.length === 0 || wanted.includes(part);
const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const folder = await mkdtemp(join(tmpdir(), "lightbox-bench-"));
const home = join(folder, "home");
const sections: string[] = [];
try {
  if (runs("parse")) sections.push(parseSection(benchParse()));
  const base = join(folder, "base.tar");
  await makeBase(base, { kind: "busybox" });
  await lightbox(home, "machine", "init", "--if-needed", "--yes");
  const hasVirtualization = (await lightbox(home, "machine", "status")).startsWith("not installed");
  if (runs("cached")) {
    await using builders = await startContainerBuilders(join(folder, "containers"));
    await builders.loadBase(base, "bench-base");
    for (const fileCount of [10, 20_000]) {
      const result = await benchCachedBake({ folder, home, builders, base }, fileCount);
      sections.push(cachedSection(fileCount, result));
      say(sections.at(-1) ?? "");
    }
  }
  if (runs("layers")) {
    if (!hasVirtualization) await lightbox(home, "machine", "start");
    sections.push(layersSection(await benchLayers({ folder, home, base, hasVirtualization })));
  }
  const text = documentOf(sections, {
    cpu: cpus()[0]?.model ?? "unknown",
    cpus: cpus().length,
    memoryBytes: totalmem(),
    hasVirtualization,
  });
  say(text);
  if (wanted.length === 0) await writeFile(document, text);
} catch (error) {
  // Told first: tidying up may fail, too.
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await lightbox(home, "machine", "rm", "--force");
  await rm(folder, { recursive: true, force: true });
}
