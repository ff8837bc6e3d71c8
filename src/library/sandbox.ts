import type { SandboxConfiguration } from "../model/sandbox-configuration.ts";
import { commandOf } from "../sandboxes/default-command.ts";
import { startDetached } from "../sandboxes/detached-command.ts";
import { askHealth, type Health, waitUntilHealthy } from "../sandboxes/health.ts";
import { stopSandbox } from "../sandboxes/stop-sandbox.ts";
import type { PortMapping, SandboxDescription, Worker } from "../worker/worker.ts";
import { ExecOutput } from "./exec-output.ts";
import { type HostOptions, useWorker } from "./host.ts";
import { disown, own } from "./owned-sandboxes.ts";

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Absent: WORKDIR. */
  readonly workdir?: string;
  /** Absent: USER. */
  readonly user?: string;
  /** What the command reads; absent: nothing. */
  readonly stdin?: string | Uint8Array;
  /** Told of what is printed as it comes; all of it is in the result as well. */
  readonly onStdout?: (chunk: Uint8Array) => void;
  readonly onStderr?: (chunk: Uint8Array) => void;
  readonly signal?: AbortSignal;
}

/**
 * A running sandbox. It belongs to this process until {@link detach}: it is stopped when the process has nothing left
 * to do. What the snapshot records holds here: commands run as USER, in WORKDIR, with ENV, and it stops by STOPSIGNAL.
 *
 * Methods throw `Failure`, whose `code` docs/errors.md explains; `UnknownSandbox` and `SandboxNotRunning` when it has gone.
 */
export class Sandbox implements AsyncDisposable {
  readonly #host: HostOptions;
  readonly #description: SandboxDescription;

  /** @internal use `launchSandbox` or `connectToSandbox` */
  constructor(description: SandboxDescription, host: HostOptions, ownership: "owned" | "detached") {
    this.#description = description;
    this.#host = host;
    if (ownership === "owned") own(this);
  }

  get name(): string {
    return this.#description.name;
  }

  /** Null for one that was booted from something else. */
  get snapshot(): string | null {
    return this.#description.snapshot;
  }

  /** Published ports. */
  get ports(): readonly PortMapping[] {
    return this.#description.ports;
  }

  /** What the snapshot records: ENTRYPOINT, CMD, ENV, USER, WORKDIR, HEALTHCHECK … */
  get configuration(): SandboxConfiguration {
    return this.#description.configuration;
  }

  /** Runs a program; resolves with its exit, whatever that is. No shell reads the arguments. */
  async exec(command: string, args: readonly string[] = [], options: ExecOptions = {}): Promise<ExecOutput> {
    return await this.#execute([command, ...args], options);
  }

  /** Runs a script with the snapshot's SHELL. */
  async shell(script: string, options: ExecOptions = {}): Promise<ExecOutput> {
    return await this.#execute([...this.configuration.shell, script], options);
  }

  /** Runs what the snapshot is for: ENTRYPOINT with CMD, or with `words` in CMD's place. */
  async runCommand(words: readonly string[] = [], options: ExecOptions = {}): Promise<ExecOutput> {
    return await this.#execute(commandOf(this.configuration, words), options);
  }

  /**
   * As {@link runCommand}, and does not wait for its end; it goes on when this process has ended.
   * @throws Failure `CommandNotStarted`
   */
  async startCommand(words: readonly string[] = []): Promise<void> {
    const argv = commandOf(this.configuration, words);
    await this.#use((worker, signal) => startDetached(worker, this.#description, argv, signal));
  }

  /** What HEALTHCHECK says right now; null: the snapshot has none. */
  async health(): Promise<Health | null> {
    return await this.#use((worker, signal) => askHealth(worker, this.#description, signal));
  }

  /** Checks as HEALTHCHECK says until it succeeds. @throws Failure `SandboxUnhealthy`, `NoHealthcheck` */
  async waitUntilHealthy(): Promise<void> {
    await this.#use((worker, signal) => waitUntilHealthy(worker, this.#description, signal));
  }

  /** Lets the sandbox outlive this process; `connectToSandbox` finds it by its name. */
  async detach(): Promise<void> {
    disown(this);
  }

  /** Sends STOPSIGNAL, waits for what it ends, and stops the sandbox. Its disk stays until it is removed. */
  async stop(): Promise<void> {
    disown(this);
    await this.#use((worker, signal) => stopSandbox(worker, this.name, signal));
  }

  /** Deletes the sandbox and its disk. @throws Failure `SandboxRunning` unless `force` */
  async remove({ force = false }: { readonly force?: boolean } = {}): Promise<void> {
    await this.#use((worker, signal) => worker.removeSandbox(this.name, { force }, signal));
    disown(this);
  }

  /** For `await using`: stops the sandbox, unless it is stopped, removed or detached. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (disown(this)) await this.stop();
  }

  async #execute(argv: readonly string[], options: ExecOptions): Promise<ExecOutput> {
    const { env = {}, workdir, user, stdin, onStdout, onStderr } = options;
    const chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
    return await this.#use(async (worker, signal) => {
      const { exitCode } = await worker.execInSandbox(
        {
          sandbox: this.name,
          argv,
          environment: env,
          workingDirectory: workdir ?? null,
          user: user ?? null,
          terminal: null,
          detachedOutput: null,
        },
        {
          stdin: stdin === undefined ? null : oneChunk(stdin),
          stdout(chunk) {
            chunks.stdout.push(chunk);
            onStdout?.(chunk);
          },
          stderr(chunk) {
            chunks.stderr.push(chunk);
            onStderr?.(chunk);
          },
          resizes: null,
        },
        signal,
      );
      const streams = { stdout: Buffer.concat(chunks.stdout), stderr: Buffer.concat(chunks.stderr) };
      return new ExecOutput(exitCode, streams);
    }, options.signal);
  }

  async #use<Result>(
    act: (worker: Worker, signal: AbortSignal) => Promise<Result>,
    callSignal?: AbortSignal,
  ): Promise<Result> {
    const signals = [this.#host.signal, callSignal].filter((signal) => signal !== undefined);
    return await useWorker({ ...this.#host, signal: AbortSignal.any(signals) }, act);
  }
}

async function* oneChunk(input: string | Uint8Array): AsyncIterable<Uint8Array> {
  yield typeof input === "string" ? Buffer.from(input) : input;
}
