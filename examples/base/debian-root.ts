import { createHash } from "node:crypto";
import { debianSources, downloadPackages, essentialPackages } from "./apt-packages.ts";
import { parseControl, statusEntry } from "./dpkg-status.ts";
import {
  directoryEntry,
  fileEntry,
  type RootEntry,
  readPackageControl,
  readPackageFiles,
  symlinkEntry,
} from "./package-file.ts";

/** Directories that Debian keeps below /usr, with links at their old places. */
const mergedFolders = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] as const;

const folders: readonly [path: string, mode: number][] = [
  ["root", 0o700],
  ["tmp", 0o1777],
  ["var/tmp", 0o1777],
  ["var/lib/apt/lists/partial", 0o755],
  ["var/cache/apt/archives/partial", 0o700],
  ["var/lib/dpkg/updates", 0o755],
  ["var/lib/dpkg/triggers", 0o755],
];

/** What installation scripts would copy into place: the copy, by the file that it is made from. */
const copies: Readonly<Record<string, string>> = {
  "usr/share/base-passwd/passwd.master": "etc/passwd",
  "usr/share/base-passwd/group.master": "etc/group",
  "usr/share/base-files/profile": "etc/profile",
  "usr/share/base-files/dot.bashrc": "root/.bashrc",
  "usr/share/base-files/dot.profile": "root/.profile",
  "usr/share/libc-bin/nsswitch.conf": "etc/nsswitch.conf",
};

/** What `update-alternatives` would choose, where the program is there. */
const alternatives: readonly [name: string, program: string][] = [
  ["awk", "usr/bin/mawk"],
  ["pager", "usr/bin/less"],
  ["which", "usr/bin/which.debianutils"],
];

/** Accounts that installation scripts add. */
const extraAccounts: Readonly<Record<string, string>> = {
  "etc/passwd": "_apt:x:100:65534::/nonexistent:/usr/sbin/nologin\n",
};

/** Left out, as in other small images of Debian; dpkg does the same for what is installed later. */
const leftOut = /^usr\/share\/(?:doc\/.*\/(?!copyright$)|(?:man|info|locale|lintian)\/)/;
const dpkgSettings = `force-unsafe-io
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/lintian/*
`;

/** Lists of packages without translations, and kept packed: a step reads them once and throws them away. */
const aptSettings = `Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::CompressionTypes::Order:: "gz";
`;

/**
 * A small Debian from its packages alone: unpacked, not installed, so that neither root nor a chroot is needed. What apt and
 * dpkg need in order to go on from there is made here; installation scripts do not run, and what only they would
 * set up (PAM's configuration, byte-compiled Python) is missing.
 */
export async function* debianRoot(work: string, packages: readonly string[]): AsyncGenerator<RootEntry> {
  const wanted = [essentialPackages, "apt", "debian-archive-keyring", "mawk", ...packages];
  const packageFiles = await downloadPackages(wanted, work, { withDependencies: true });
  const root = new DebianRoot();
  yield* root.begin();
  for (const packageFile of packageFiles) yield* root.unpack(packageFile);
  yield* root.end(await debianSources(work));
}

class DebianRoot {
  readonly #status: string[] = [];
  readonly #programs = new Set<string>();

  *begin(): Generator<RootEntry> {
    for (const folder of mergedFolders) {
      yield directoryEntry(`usr/${folder}`);
      yield symlinkEntry(folder, `usr/${folder}`);
    }
    for (const [path, mode] of folders) yield directoryEntry(path, mode);
  }

  async *unpack(packageFile: string): AsyncGenerator<RootEntry> {
    const controlFiles = await readPackageControl(packageFile);
    const control = parseControl(text(controlFiles.get("control")));
    const conffiles = new Map(lines(text(controlFiles.get("conffiles"))).map((path) => [path, ""]));
    const listed = ["/."];
    for await (const entry of readPackageFiles(packageFile)) {
      listed.push(`/${entry.path}`);
      if (conffiles.has(`/${entry.path}`)) {
        conffiles.set(`/${entry.path}`, createHash("md5").update(entry.content).digest("hex"));
      }
      yield* this.#place(entry);
    }
    const information = `var/lib/dpkg/info/${control.fileName}`;
    yield fileEntry(`${information}.list`, `${listed.join("\n")}\n`);
    for (const [name, content] of controlFiles) {
      if (name === "control") continue;
      const isScript = /^(?:pre|post)(?:inst|rm)$|^config$/.test(name);
      yield fileEntry(`${information}.${name}`, content, isScript ? 0o755 : 0o644);
    }
    this.#status.push(statusEntry(control, conffiles));
  }

  *end(sources: string): Generator<RootEntry> {
    for (const [name, program] of alternatives) {
      if (!this.#programs.has(program)) continue;
      yield symlinkEntry(`etc/alternatives/${name}`, `/${program}`);
      yield symlinkEntry(`usr/bin/${name}`, `/etc/alternatives/${name}`);
    }
    yield fileEntry("etc/apt/sources.list", sources);
    // A builder's disk is synced as a whole before it is sealed: syncing each file of a package would only cost time.
    yield fileEntry("etc/dpkg/dpkg.cfg.d/small", dpkgSettings);
    yield fileEntry("etc/apt/apt.conf.d/small", aptSettings);
    yield fileEntry("etc/hostname", "debian\n");
    yield fileEntry("etc/machine-id", "");
    yield fileEntry("var/lib/dpkg/status", `${this.#status.join("\n")}`);
    yield fileEntry("var/lib/dpkg/available", "");
    yield fileEntry("var/lib/dpkg/info/format", "1\n");
    yield fileEntry("etc/shadow", accountLines("root", "*"), 0o640);
    yield fileEntry("etc/gshadow", "", 0o640);
  }

  *#place(entry: RootEntry): Generator<RootEntry> {
    const path = merged(entry.path);
    if (mergedFolders.some((folder) => folder === entry.path) || leftOut.test(path)) return;
    const placed = { ...entry, path, target: entry.type === "link" ? merged(entry.target) : entry.target };
    yield placed;
    this.#programs.add(path);
    const copy = copies[path];
    if (copy !== undefined) {
      const content = Buffer.concat([entry.content, Buffer.from(extraAccounts[copy] ?? "")]);
      yield { ...placed, path: copy, content };
    }
  }
}

/** No password opens any account. The third field is a day, which has to be the same in every run. */
function accountLines(name: string, password: string): string {
  return `${name}:${password}:18262:0:99999:7:::\n`;
}

/** Where a path of a package is once /bin, /sbin and /lib* are links into /usr. */
function merged(path: string): string {
  const [first] = path.split("/", 1);
  return mergedFolders.some((folder) => folder === first && path !== folder) ? `usr/${path}` : path;
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : new TextDecoder().decode(bytes);
}

function lines(content: string): string[] {
  return content.split("\n").filter((line) => line !== "");
}
