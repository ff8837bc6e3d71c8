import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type BenchCommand, runCommand } from "./compare.ts";

/** `docker build` with BuildKit and `buildah bud --layers`, each with a store of its own below one folder. */
export interface ContainerBuilders extends AsyncDisposable {
  dockerBuild(context: string): BenchCommand;
  buildahBud(context: string): BenchCommand;
  /** Loads an OCI archive under this name into both. */
  loadBase(archive: string, name: string): Promise<void>;
}

/** The client of Debian's docker.io: it has BuildKit's front end built in. */
const dockerClient = "/usr/bin/docker";

export async function startContainerBuilders(folder: string): Promise<ContainerBuilders> {
  await mkdir(folder, { recursive: true });
  const socket = join(folder, "docker.sock");
  const daemon = spawn(
    "dockerd",
    [
      ...["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")],
      ...["--host", `unix://${socket}`, "--pidfile", join(folder, "docker.pid")],
      ...["--iptables=false", "--ip6tables=false", "--bridge=none"],
    ],
    { stdio: ["ignore", "ignore", "ignore"] },
  );
  await untilThere(socket, daemon);
  const docker = { DOCKER_HOST: `unix://${socket}`, DOCKER_BUILDKIT: "1" };
  const buildah = ["buildah", "--root", join(folder, "buildah"), "--runroot", join(folder, "buildah-run")];
  return {
    dockerBuild: (context) => ({
      argv: [dockerClient, "build", "--network=none", "-q", "-t", "bench", context],
      environment: docker,
    }),
    buildahBud: (context) => ({
      argv: [
        ...buildah,
        "bud",
        "--layers",
        "--isolation=chroot",
        "--pull-never",
        "-q",
        "-t",
        "bench",
        context,
      ],
    }),
    loadBase: async (archive, name) => {
      const docked = join(folder, "base-docker.tar");
      await runCommand({
        argv: [
          "skopeo",
          "copy",
          "--insecure-policy",
          `oci-archive:${archive}`,
          `docker-archive:${docked}:${name}`,
        ],
      });
      await runCommand({ argv: [dockerClient, "load", "-q", "-i", docked], environment: docker });
      await runCommand({ argv: [...buildah, "pull", "-q", `docker-archive:${docked}`] });
    },
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => daemon.once("close", resolve));
      daemon.kill("SIGTERM");
      await ended;
      await unmountBelow(folder);
    },
  };
}

/** buildah leaves its store mounted. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile("/proc/mounts", "utf8"))
    .split("\n")
    .flatMap((line) => line.split(" ")[1] ?? []);
  const below = mounts.filter((path) => path.startsWith(`${folder}/`));
  for (const path of below.reverse()) await runCommand({ argv: ["umount", path] });
}

async function untilThere(socket: string, daemon: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (daemon.exitCode !== null) break;
    if (existsSync(socket)) return;
    await delay(100);
  }
  throw new Error("dockerd did not start: is docker.io installed, and is this run as root?");
}
