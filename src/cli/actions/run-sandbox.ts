import { Failure } from "../../diagnostics/failure.ts";
import { withWorker } from "../../host/choose-worker.ts";
import { commandOf, ownCommandOf } from "../../sandboxes/default-command.ts";
import { defaultNameOf } from "../../sandboxes/default-name.ts";
import { startDetached } from "../../sandboxes/detached-command.ts";
import { launchWithExposedPorts } from "../../sandboxes/exposed-ports.ts";
import { waitUntilHealthy } from "../../sandboxes/health.ts";
import type { LaunchRequest, SandboxDescription, Worker } from "../../worker/worker.ts";
import type { RunOptions } from "../options.ts";
import { parseEnvironment, parseMount, parseNetwork, parsePort } from "../parse-launch-options.ts";
import type { Session } from "../session.ts";
import { execWithTerminal } from "./exec-in-sandbox.ts";

/** Boots a sandbox; without `--detach`, runs its command here and resolves with the command's exit code. */
export async function runSandbox(
  snapshot: string,
  words: readonly string[],
  options: RunOptions,
  session: Session,
): Promise<number> {
  const request = launchRequest(snapshot, options, session);
  if (options.waitHealthy && !options.detach) throw waitsForNothing();
  return await withWorker(options, session, async (worker) => {
    const sandbox = options.publishAll
      ? await launchWithExposedPorts(worker, request, session.signal)
      : await worker.launchSandbox(request, session.signal);
    if (options.detach) {
      session.stdout.write(`${sandbox.name}\n`);
      const argv = ownCommandOf(sandbox.configuration, words);
      if (argv.length > 0) await startDetached(worker, sandbox, argv, session.signal);
      if (options.waitHealthy) await waitUntilHealthy(worker, sandbox, session.signal);
      return 0;
    }
    return await runInForeground(worker, sandbox, { words, options, session });
  });
}

function waitsForNothing(): Failure {
  return new Failure({
    code: "NotDetached",
    category: "usage",
    message: "--wait-healthy is for sandboxes that go on: without --detach there is nobody left to wait",
    hint: "add -d",
  });
}

function launchRequest(snapshot: string, options: RunOptions, session: Session) {
  return {
    name: options.name ?? defaultNameOf(snapshot),
    from: { kind: "snapshot", name: snapshot } as const,
    resources: {
      ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
      ...(options.memory === undefined ? {} : { memoryMib: options.memory }),
    },
    environment: parseEnvironment(options.env, session.environment),
    workingDirectory: options.workdir ?? null,
    user: options.user ?? null,
    ports: options.publish.map(parsePort),
    mounts: options.volume.map((text) => parseMount(text, session.workingDirectory)),
    replace: options.replace ?? false,
    network: parseNetwork(options.network),
    idleTimeoutSeconds: null,
  } satisfies LaunchRequest;
}

interface Foreground {
  readonly words: readonly string[];
  readonly options: RunOptions;
  readonly session: Session;
}

/** The sandbox ends with its command, whatever became of it. */
async function runInForeground(
  worker: Worker,
  sandbox: SandboxDescription,
  { words, options, session }: Foreground,
): Promise<number> {
  try {
    return await execWithTerminal(worker, {
      sandbox,
      argv: commandOf(sandbox.configuration, words),
      environment: {},
      workingDirectory: null,
      user: null,
      terminal: options,
      session,
    });
  } finally {
    // The user's Ctrl-C has ended the command, not the clean-up.
    const cleanUp = AbortSignal.timeout(30_000);
    if (options.rm) await worker.removeSandbox(sandbox.name, { force: true }, cleanUp);
    else await worker.stopSandbox(sandbox.name, cleanUp);
  }
}
