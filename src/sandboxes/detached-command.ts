import { Failure } from "../diagnostics/failure.ts";
import { collectExec } from "../worker/collect-exec.ts";
import type { SandboxDescription, Worker } from "../worker/worker.ts";

/** In the sandbox, for everyone to write: the command may run as any user. */
const detachedOutputPath = "/tmp/lightbox-run.log";

/**
 * Starts a sandbox's command so that it goes on without a client.
 * @throws Failure `CommandNotStarted`
 */
export async function startDetached(
  worker: Worker,
  { name }: SandboxDescription,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { exitCode, output } = await collectExec(
    worker,
    { sandbox: name, argv, detachedOutput: detachedOutputPath },
    signal,
  );
  if (exitCode === 0) return;
  throw new Failure({
    code: "CommandNotStarted",
    category: "usage",
    message: `sandbox ${name} runs, and its command does not: ${output.trim() || `exit code ${exitCode}`}`,
    hint: `look inside with \`lightbox shell ${name}\`, or remove it with \`lightbox rm -f ${name}\``,
  });
}
