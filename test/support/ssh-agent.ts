import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { parseLddOutput } from "../../src/machine/shared-libraries.ts";

const execute = promisify(execFile);

/** A real ssh-agent of this host, with one key that was made for it. */
export interface SshAgent extends AsyncDisposable {
  readonly socketPath: string;
  /** As `ssh-add -l` shows it. */
  readonly fingerprint: string;
  /** The text of the key's public file. */
  readonly publicKey: string;
  /** The key itself, which must be nowhere else. */
  readonly privateKey: string;
  /** Ends it; its connections end with it. */
  stop(): Promise<void>;
}

/** Needs Debian's openssh-client. */
export async function startSshAgent(folder: string): Promise<SshAgent> {
  const socketPath = join(folder, "ssh-agent.socket");
  const keyPath = join(folder, "key");
  const child = spawn("ssh-agent", ["-D", "-a", socketPath], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  // What it prints are the variables for a shell, once it listens.
  await Promise.race([
    once(child.stdout, "data"),
    ended.then(() => Promise.reject(new Error("ssh-agent ended"))),
  ]);
  await execute("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "made for a test", "-f", keyPath]);
  const env = { ...process.env, SSH_AUTH_SOCK: socketPath };
  await execute("ssh-add", ["-q", keyPath], { env });
  const { stdout } = await execute("ssh-add", ["-l"], { env });
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  return {
    socketPath,
    fingerprint: stdout.trim(),
    publicKey: await readFile(`${keyPath}.pub`, "utf8"),
    privateKey: await readFile(keyPath, "utf8"),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** This host's ssh-add with all that it needs, at their own paths below the folder, to be copied to the root of a base. */
export async function writeSshAdd(folder: string): Promise<void> {
  const program = "/usr/bin/ssh-add";
  const { stdout } = await execute("ldd", [program]);
  for (const path of [program, ...parseLddOutput(stdout)]) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(path, target);
  }
}
