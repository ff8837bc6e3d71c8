import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RemoteContent } from "../../src/context/remote-content.ts";
import { resolveInputs } from "../../src/context/resolve-inputs.ts";
import { StatCache } from "../../src/context/stat-cache.ts";
import { loadHasher } from "../../src/graph/keys/hash.ts";
import { planOf, shown } from "./planned.ts";
import { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts";

/** `target` for a symlink, text for a file. */
export type TreeEntry = string | { readonly link: string } | { readonly text: string; readonly mode: number };

async function offline(): Promise<never> {
  throw new Error("the test fetches nothing");
}

/** A context directory in a temporary folder, with a stat cache beside it. */
export class ContextRig implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  readonly directory: string;
  readonly cacheFile: string;

  private constructor(folder: TemporaryFolder) {
    this.#folder = folder;
    this.directory = join(folder.path, "context");
    this.cacheFile = join(folder.path, "cache", "stats");
  }

  static async create(tree: Readonly<Record<string, TreeEntry>> = {}): Promise<ContextRig> {
    const rig = new ContextRig(await temporaryFolder());
    await mkdir(rig.directory);
    await rig.write(tree);
    return rig;
  }

  path(path: string): string {
    return join(this.directory, path);
  }

  /** Paths that end with a slash are directories. */
  async write(tree: Readonly<Record<string, TreeEntry>>): Promise<void> {
    for (const [path, entry] of Object.entries(tree)) {
      const full = this.path(path);
      await mkdir(path.endsWith("/") ? full : dirname(full), { recursive: true });
      if (path.endsWith("/")) continue;
      if (typeof entry === "string") await writeFile(full, entry);
      else if ("link" in entry) await symlink(entry.link, full);
      else {
        await writeFile(full, entry.text);
        await chmod(full, entry.mode);
      }
    }
  }

  /** Opened as if `laterMs` had passed: files written just now are then not too young to be remembered. */
  async openStatCache(laterMs = 0): Promise<StatCache> {
    const hasher = await loadHasher();
    return StatCache.open({ file: this.cacheFile, hasher, now: () => Date.now() + laterMs });
  }

  /** Resolves the COPYs of these lines in a stage. */
  async resolve(
    lines: readonly string[],
    options: {
      readonly statCache?: StatCache;
      readonly contextDirectory?: string;
      readonly signal?: AbortSignal;
      readonly remote?: Partial<RemoteContent>;
    } = {},
  ) {
    const contextDirectory = options.contextDirectory ?? this.directory;
    const plan = planOf(`FROM debian:12\n${lines.join("\n")}\n`, { contextDirectory });
    const lightfilePath = plan.stages[0]?.steps[0]?.context.lightfilePath ?? null;
    const steps = plan.stages.flatMap((stage) => stage.steps);
    const { value, diagnostics } = await resolveInputs(steps, {
      entry: { directory: contextDirectory, lightfilePath },
      remote: { fetchUrl: offline, fetchGit: offline, ...options.remote },
      openStatCache: async () => options.statCache ?? (await this.openStatCache()),
      signal: options.signal ?? new AbortController().signal,
    });
    return { ...value, plan, diagnostics };
  }

  /** `source kind: path mode|->target …` for each source of the one COPY. */
  async select(line: string): Promise<readonly string[]> {
    const { inputs, diagnostics } = await this.resolve([line]);
    if (diagnostics.length > 0) throw new Error(shown(diagnostics).join("\n"));
    return [...inputs.values()].flat().map(({ written, kind, name, entries }) => {
      const shownEntries = entries.map((entry) => {
        const path = entry.path === "" ? "." : entry.path;
        return entry.kind === "symlink" ? `${path}->${entry.target}` : `${path}:${entry.mode.toString(8)}`;
      });
      return `${kind} ${written} (${name}) ${shownEntries.join(" ")}`;
    });
  }

  /** The diagnostics of the one COPY. */
  async mistakes(line: string): Promise<readonly string[]> {
    return shown((await this.resolve([line])).diagnostics);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}
