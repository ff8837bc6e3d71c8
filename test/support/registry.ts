import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";

const run = promisify(execFile);

export interface RegistryLoginDetails {
  readonly username: string;
  readonly password: string;
}

/** Debian's docker-registry on a loopback port, with its storage in a temporary folder. Dispose it. */
export class TestRegistry implements AsyncDisposable {
  /** e.g. `127.0.0.1:43210` */
  readonly host: string;
  /** Where it keeps blobs: `docker/registry/v2/blobs/sha256/<2 hex>/<hex>/data`. */
  readonly storage: string;
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #login: RegistryLoginDetails | null;
  readonly #log: string[];

  private constructor(
    host: string,
    folder: string,
    started: {
      readonly process: ChildProcess;
      readonly log: string[];
      readonly login: RegistryLoginDetails | null;
    },
  ) {
    this.host = host;
    this.storage = join(folder, "storage");
    this.#folder = folder;
    this.#process = started.process;
    this.#log = started.log;
    this.#login = started.login;
  }

  static async start(options: { readonly login?: RegistryLoginDetails } = {}): Promise<TestRegistry> {
    const folder = await mkdtemp(join(tmpdir(), "lightbox-registry-"));
    await mkdir(join(folder, "storage"));
    const login = options.login ?? null;
    if (login !== null) await writeFile(join(folder, "htpasswd"), await passwordLine(login));
    const host = `127.0.0.1:${await freePort()}`;
    const configuration = join(folder, "config.yml");
    await writeFile(configuration, configurationText(folder, host, login !== null));
    const process = spawn("docker-registry", ["serve", configuration], { stdio: ["ignore", "pipe", "pipe"] });
    const log: string[] = [];
    for (const stream of [process.stdout, process.stderr]) {
      createInterface({ input: stream }).on("line", (line) => log.push(line));
    }
    const registry = new TestRegistry(host, folder, { process, log, login });
    await registry.#untilReady();
    return registry;
  }

  /** Pushes with skopeo. @param source as skopeo names it, e.g. `oci-archive:/tmp/base.tar` */
  async push(source: string, name: string, extra: readonly string[] = []): Promise<void> {
    const login =
      this.#login === null ? [] : ["--dest-creds", `${this.#login.username}:${this.#login.password}`];
    const target = `docker://${this.host}/${name}`;
    await run("skopeo", ["copy", "-q", "--dest-tls-verify=false", ...login, ...extra, source, target]);
  }

  /** Paths of the requests so far, with their methods, e.g. `GET /v2/base/manifests/1`. */
  requests(): readonly string[] {
    return this.#log.flatMap((line) => {
      const match = /"(GET|HEAD|PUT|POST|PATCH) (\S+) HTTP/.exec(line);
      return match === null ? [] : [`${match[1]} ${match[2]}`];
    });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #untilReady(): Promise<void> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const answer = await fetch(`http://${this.host}/v2/`).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer !== undefined) return;
      if (Date.now() > deadline || this.#process.exitCode !== null) {
        await this[Symbol.asyncDispose]();
        throw new Error(`docker-registry did not start:\n${this.#log.slice(-10).join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

function configurationText(folder: string, host: string, withLogin: boolean): string {
  const auth = { auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } } };
  // YAML is a superset of JSON.
  return JSON.stringify({
    version: "0.1",
    log: { level: "warn", accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: join(folder, "storage") }, delete: { enabled: true } },
    http: { addr: host },
    ...(withLogin ? auth : {}),
  });
}

/** A line of an htpasswd file. The registry takes bcrypt only, which Perl knows from the C library. */
async function passwordLine({ username, password }: RegistryLoginDetails): Promise<string> {
  const program = 'print crypt($ARGV[0], q($2y$05$) . "abcdefghijklmnopqrstuu")';
  const { stdout } = await run("perl", ["-e", program, password]);
  return `${username}:${stdout}\n`;
}
