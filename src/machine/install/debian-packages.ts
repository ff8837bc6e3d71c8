import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { Failure } from "../../diagnostics/failure.ts";
import { runChecked, runCommand } from "../external-command.ts";

export interface PackageFolder {
  readonly name: string;
  readonly version: string;
  readonly directory: string;
}

export interface PackageFetcherOptions {
  /** Gets a folder `<name>_<version>` for each package. */
  readonly packagesDirectory: string;
  readonly onCommand: (command: string, why: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Fetches Debian packages and unpacks them without installing: neither root nor a change of the system is
 * needed. apt checks what it downloads against the signed lists. Where the system's lists do not know a
 * package, they are fetched once into a folder of our own.
 */
export class PackageFetcher implements AsyncDisposable {
  readonly #options: PackageFetcherOptions;
  #ownLists: Promise<string> | undefined;

  constructor(options: PackageFetcherOptions) {
    this.#options = options;
  }

  /** What the newest version of a metapackage depends on first; undefined when apt knows no such package. */
  async firstDependency(metapackage: string): Promise<string | undefined> {
    const shown = await this.#show(metapackage);
    return shown === undefined ? undefined : parseControlField(shown, "Depends")?.split(/[\s,|(]/)[0];
  }

  /**
   * The unpacked package, fetched when that version is not there yet.
   *
   * @returns undefined when apt knows no such package.
   * @throws Failure `ProgramFailed`, `ProgramMissing`
   */
  async fetch(name: string): Promise<PackageFolder | undefined> {
    const shown = await this.#show(name);
    const version = shown === undefined ? undefined : parseControlField(shown, "Version");
    if (version === undefined) return undefined;
    const { packagesDirectory } = this.#options;
    await mkdir(packagesDirectory, { recursive: true });
    const directory = join(packagesDirectory, folderName(name, version));
    if ((await readdir(packagesDirectory)).includes(basename(directory))) return { name, version, directory };

    const work = await mkdtemp(join(packagesDirectory, "fetching-"));
    try {
      // The version is not named: the lists and the download are of one state of the archive.
      await this.#apt("apt-get", ["download", name], { why: `fetch the package ${name}`, cwd: work });
      const [file] = (await readdir(work)).filter((entry) => entry.endsWith(".deb"));
      if (file === undefined) throw new Error("internal error: apt-get download left no file");
      await unpackPackage(join(work, file), directory, this.#options);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    return { name, version, directory };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ownLists !== undefined) await rm(await this.#ownLists, { recursive: true, force: true });
  }

  /** The control record of the newest version, from the system's lists or else from our own. */
  async #show(name: string): Promise<string | undefined> {
    const query = ["show", "--no-all-versions", name];
    const known = await this.#apt("apt-cache", query, { why: `look up ${name}`, mayFail: true });
    if (known !== undefined || this.#ownLists !== undefined) return known;
    this.#ownLists = this.#fetchLists();
    await this.#ownLists;
    return this.#apt("apt-cache", query, { why: `look up ${name}`, mayFail: true });
  }

  async #fetchLists(): Promise<string> {
    await mkdir(this.#options.packagesDirectory, { recursive: true });
    const directory = await mkdtemp(join(this.#options.packagesDirectory, "lists-"));
    await mkdir(join(directory, "state/lists/partial"), { recursive: true });
    await mkdir(join(directory, "cache/archives/partial"), { recursive: true });
    await this.#runApt(["apt-get", ...ownState(directory), "update"], {
      why: "fetch the lists of packages into a folder of lightbox",
    });
    return directory;
  }

  async #apt(
    program: string,
    words: readonly string[],
    how: { readonly why: string; readonly cwd?: string; readonly mayFail?: boolean },
  ): Promise<string | undefined> {
    const lists = this.#ownLists === undefined ? [] : ownState(await this.#ownLists);
    return this.#runApt([program, ...lists, ...words], how);
  }

  async #runApt(
    argv: readonly string[],
    how: { readonly why: string; readonly cwd?: string; readonly mayFail?: boolean },
  ): Promise<string | undefined> {
    this.#options.onCommand(argv.join(" "), how.why);
    const result = await runCommand(argv, {
      signal: this.#options.signal,
      timeoutMs: 600_000,
      ...(how.cwd === undefined ? {} : { cwd: how.cwd }),
    });
    if (result.exitCode === 0) return result.stdout;
    if (how.mayFail === true) return undefined;
    throw new Failure({
      code: "PackageFetchFailed",
      category: "environment",
      message: `cannot ${how.why}: ${result.stderr.trim() || `exit code ${result.exitCode}`}`,
      hint: `try it by hand to see more: ${argv.join(" ")}`,
    });
  }
}

/** Unpacks a `.deb` next to its final place and renames it there: a folder that exists is complete. */
export async function unpackPackage(
  file: string,
  directory: string,
  options: Pick<PackageFetcherOptions, "onCommand" | "signal">,
): Promise<void> {
  const unpacking = `${directory}.unpacking`;
  await rm(unpacking, { recursive: true, force: true });
  try {
    const argv = ["dpkg-deb", "-x", file, unpacking];
    options.onCommand(argv.join(" "), `unpack ${basename(file)}`);
    await runChecked(argv, { signal: options.signal, timeoutMs: 300_000 });
    await rm(directory, { recursive: true, force: true });
    await rename(unpacking, directory);
  } finally {
    await rm(unpacking, { recursive: true, force: true });
  }
}

/** apt's own state in a folder that the user may write; what is installed is still the system's. */
function ownState(directory: string): readonly string[] {
  const settings = {
    "Dir::State": join(directory, "state"),
    "Dir::State::lists": join(directory, "state/lists"),
    "Dir::State::status": "/var/lib/dpkg/status",
    "Dir::Cache": join(directory, "cache"),
    "Debug::NoLocking": "true",
    "APT::Sandbox::User": "root",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/** The value of a field of a Debian control record (deb822), continuation lines left out. */
export function parseControlField(record: string, field: string): string | undefined {
  const prefix = `${field}: `;
  return record
    .split("\n")
    .find((line) => line.startsWith(prefix))
    ?.slice(prefix.length)
    .trim();
}

export function folderName(name: string, version: string): string {
  return `${name}_${version}`.replaceAll(/[^A-Za-z0-9.+~_-]/g, "_");
}
