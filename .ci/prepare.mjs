// Makes a checkout ready to run: installs the npm packages, then builds. It runs before `npm start`, `npm test`
// and `npm run bench`, on whatever Node.js the host has, so it keeps to what Node.js 18 knows.
// With --test it also installs, on Debian and its relatives, the packages that the tests use; with --bench those
// that lightbox is compared with, too.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const ownNode = join(root, "node_modules", "node", "bin", "node");
const stamp = join(root, "node_modules", ".lightbox-prepared");

const testPackages = [
  ["qemu-system-x86", "/usr/bin/qemu-system-x86_64"],
  ["qemu-utils", "/usr/bin/qemu-img"],
  ["e2fsprogs", "/sbin/mke2fs"],
  ["cpio", "/usr/bin/cpio"],
  ["busybox-static", "/bin/busybox"],
  ["docker-registry", "/usr/bin/docker-registry"],
  ["skopeo", "/usr/bin/skopeo"],
  ["debootstrap", "/usr/sbin/debootstrap"],
  ["git", "/usr/bin/git"],
  ["openssh-client", "/usr/bin/ssh-agent"],
  ["zsh", "/usr/bin/zsh"],
  ["fish", "/usr/bin/fish"],
  ["ca-certificates", "/etc/ssl/certs/ca-certificates.crt"],
];

const benchPackages = [
  ["docker.io", "/usr/sbin/dockerd"],
  ["buildah", "/usr/bin/buildah"],
];

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    process.stderr.write(
      `prepare: ${command} ${args.join(" ")} ended with ${result.status ?? result.signal}\n`,
    );
    process.exit(result.status ?? 1);
  }
}

/** npm as a program and first arguments, so that it can be run by a Node.js of our choice. */
function npm(node, args) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith(".js")) run(node, [cli, ...args]);
  // Not started by npm: its script takes the first `node` of PATH.
  else run("npm", args, { env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` } });
}

function platformPackageIsThere() {
  const wanted = {
    "linux-x64": "linux-x64-gnu",
    "linux-arm64": "linux-arm64-gnu",
    "darwin-arm64": "darwin-arm64",
  };
  const name = wanted[`${process.platform}-${process.arch}`];
  return (
    name === undefined || existsSync(join(root, "node_modules", "@superradcompany", `microsandbox-${name}`))
  );
}

function installPackages() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const done = existsSync(stamp) && readFileSync(stamp, "utf8") === lock;
  if (done && existsSync(ownNode) && platformPackageIsThere()) return;
  process.stdout.write("prepare: installing npm packages\n");
  // Not `npm ci`: it refuses a lockfile that lacks optional packages of other platforms, as one made behind a registry
  // that has not all of them does. This installs what the lockfile says, and leaves it as it is.
  const install = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  npm(process.execPath, install);
  // npm leaves out optional packages whose `engines` the Node.js that runs npm does not meet: microsandbox's
  // platform package is one of them on Node.js 20. The second run uses the Node.js that the first one brought.
  if (!platformPackageIsThere()) npm(ownNode, install);
  writeFileSync(stamp, lock);
}

function installDebianPackages(packages) {
  const missing = packages.filter(([, file]) => !existsSync(file)).map(([name]) => name);
  if (missing.length === 0) return;
  if (!existsSync("/usr/bin/apt-get")) {
    process.stdout.write(
      `prepare: this host has no apt-get; tests that need ${missing.join(", ")} are left out or fail\n`,
    );
    return;
  }
  const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const apt = [...asRoot, "apt-get"];
  process.stdout.write(`prepare: installing Debian packages: ${missing.join(" ")}\n`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const quiet = { env: environment, stdio: ["ignore", "ignore", "inherit"] };
  run(apt[0], [...apt.slice(1), "update", "-qq"], quiet);
  run(apt[0], [...apt.slice(1), "install", "-y", "-qq", "--no-install-recommends", ...missing], quiet);
}

installPackages();
if (process.argv.includes("--test")) installDebianPackages(testPackages);
if (process.argv.includes("--bench")) installDebianPackages([...testPackages, ...benchPackages]);
run(ownNode, [join(root, ".ci", "build.mjs")]);
