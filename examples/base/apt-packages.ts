import { execFile } from "node:child_process";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const quietly = {
  maxBuffer: 64 * 1024 * 1024,
  env: { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
};

/** Every package of Debian's that other packages take for granted, as apt's own pattern. */
export const essentialPackages = "?essential";

/**
 * Downloads packages, and what they depend on, with the host's apt and from the host's sources. It needs
 * no root, and nothing is installed: what the host has installed plays no part.
 *
 * @param packages names or apt patterns
 * @param work a folder for apt's files; the packages stay in it
 * @returns paths of the package files, sorted by package name
 */
export async function downloadPackages(
  packages: readonly string[],
  work: string,
  options: { readonly withDependencies: boolean },
): Promise<readonly string[]> {
  const settings = await prepareApt(work);
  const archives = join(work, "cache", "archives");
  const download = async (extra: readonly string[]): Promise<void> => {
    if (options.withDependencies) {
      const install = ["install", "-y", "-qq", "--download-only", "--no-install-recommends"];
      await run("apt-get", [...settings, ...extra, ...install, ...packages], quietly);
    } else {
      await run("apt-get", [...settings, ...extra, "download", "-qq", ...packages], {
        ...quietly,
        cwd: archives,
      });
    }
  };
  try {
    await download([]);
  } catch {
    // A host that has never run `apt-get update`, or whose lists name packages that are gone: fetch lists of our own.
    const own = ownLists(work);
    await run("apt-get", [...settings, ...own, "update", "-qq"], quietly);
    await download(own);
  }
  const files = (await readdir(archives)).filter((name) => name.endsWith(".deb")).sort();
  return files.map((name) => join(archives, name));
}

async function prepareApt(work: string): Promise<readonly string[]> {
  const archives = join(work, "cache", "archives");
  await rm(archives, { recursive: true, force: true });
  await mkdir(join(archives, "partial"), { recursive: true });
  await mkdir(join(work, "lists", "partial"), { recursive: true });
  const status = join(work, "status");
  const preferences = join(work, "preferences");
  await writeFile(status, "");
  // The host may know other archives that have a package of the same name.
  await writeFile(preferences, "Package: *\nPin: release o=Debian\nPin-Priority: 990\n");
  const settings = {
    "Debug::NoLocking": "1",
    "APT::Sandbox::User": "",
    "Dir::Cache": join(work, "cache"),
    "Dir::State::status": status,
    "Dir::State::extended_states": join(work, "extended_states"),
    "Dir::Etc::preferences": preferences,
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/**
 * The host's own sources of Debian packages, one line each, for a guest's `sources.list`.
 * @param work the folder that {@link downloadPackages} has worked in
 */
export async function debianSources(work: string): Promise<string> {
  const format = "$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT)";
  // Who a source is of stands in its lists: the host's, or those that had to be fetched.
  for (const lists of [[], ownLists(work)]) {
    const { stdout } = await run(
      "apt-get",
      [...lists, "indextargets", "--format", format, "Created-By: Packages"],
      quietly,
    );
    const lines = stdout.split("\n").filter((line) => line.startsWith("Debian "));
    if (lines.length > 0)
      return [...new Set(lines.map((line) => `${line.slice("Debian ".length)}\n`))].join("");
  }
  throw new Error("this host's apt knows no source of Debian packages");
}

function ownLists(work: string): readonly string[] {
  return ["-o", `Dir::State::lists=${join(work, "lists")}`];
}
