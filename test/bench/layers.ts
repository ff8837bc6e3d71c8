import { once } from "node:events";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { startLightbox } from "../support/lightbox-command.ts";
import { runCommand } from "./compare.ts";

export interface ParentResult {
  readonly sizeBytes: number;
  readonly sealMs: number;
  readonly launchMs: number;
  /** microsandbox's own. */
  readonly snapshotMs: number;
  readonly fromSnapshotMs: number;
}

export interface LayersResult {
  readonly parents: readonly ParentResult[];
  readonly storedBytes: number;
  readonly snapshotBytes: number;
}

/** Where the machine finds this host's loopback address. */
const hostFromMachine = "10.0.2.2";

export interface LayersSetting {
  readonly folder: string;
  /** LIGHTBOX_HOME of the machine. */
  readonly home: string;
  /** Archive of the base image. */
  readonly base: string;
  readonly hasVirtualization: boolean;
}

/** Measures where microVMs run, with the bundled `layers-in-guest.ts`, which posts its result. */
export async function benchLayers(setting: LayersSetting): Promise<LayersResult> {
  const result = Promise.withResolvers<LayersResult>();
  const script = await bundle();
  const server = createServer(async (request, response) => {
    if (request.url === "/bench.mjs") response.end(script);
    else if (request.url === "/base.tar") response.end(await readFile(setting.base));
    else {
      let text = "";
      for await (const chunk of request) text += chunk;
      response.end();
      result.resolve(JSON.parse(text));
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  const program = setting.hasVirtualization
    ? await startHere(setting, script, `http://127.0.0.1:${port}/result`)
    : startInMachine(setting.home, `http://${hostFromMachine}:${port}`);
  try {
    const ended = program.output.then((text) => {
      throw new Error(`the benchmark ended without a result:\n${text.slice(-3000)}`);
    });
    const found = await Promise.race([result.promise, ended]);
    ended.catch(() => undefined); // it has posted its result, and now ends in order
    return found;
  } finally {
    program.stop();
    server.close();
  }
}

interface RunningBench {
  readonly output: Promise<string>;
  stop(): void;
}

async function startHere(
  { folder, base }: LayersSetting,
  script: Uint8Array,
  url: string,
): Promise<RunningBench> {
  const work = join(folder, "layers");
  await mkdir(work);
  await copyFile(base, join(work, "base.tar"));
  // Beside the sources, so that it finds microsandbox.
  const file = join(import.meta.dirname, `.layers-${process.pid}.mjs`);
  await writeFile(file, script);
  const stop = new AbortController();
  const output = runCommand({ argv: [process.execPath, file, work, url], signal: stop.signal }).finally(() =>
    rm(file, { force: true }),
  );
  return { output, stop: () => stop.abort() };
}

function startInMachine(home: string, url: string): RunningBench {
  const shell = startLightbox(["machine", "shell"], {
    environment: { LIGHTBOX_HOME: home },
    timeoutMs: 1_800_000,
    input: [
      ". /lightbox/machine/environment",
      "mkdir -p /data/bench && cd /data/bench",
      `wget -q -O bench.mjs ${url}/bench.mjs && wget -q -O base.tar ${url}/base.tar`,
      `MSB_HOME=/data/bench/msb /lightbox/bin/node bench.mjs /data/bench ${url}/result`,
      "rm -rf /data/bench",
      "exit",
      "",
    ].join("\n"),
  });
  return { output: shell.result.then(({ stdout }) => stdout), stop: () => shell.child.kill() };
}

async function bundle(): Promise<Uint8Array> {
  const bundled = await build({
    entryPoints: [join(import.meta.dirname, "layers-in-guest.ts")],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    external: ["/lightbox/*", "cbor-extract"],
    alias: { microsandbox: "/lightbox/node_modules/microsandbox/dist/index.js" },
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url); const __filename = import.meta.filename;',
    },
    logLevel: "error",
  });
  const file = bundled.outputFiles[0];
  if (file === undefined) throw new Error("esbuild wrote nothing");
  return file.contents;
}
