import { Failure } from "../diagnostics/failure.ts";
import { collectExec } from "../worker/collect-exec.ts";
import type { SandboxDescription, Worker } from "../worker/worker.ts";

/** In the sandbox, for everyone to write: the command may run as any user. */
const detachedOutputPath = "/tmp/lightbox-run.log";

/** A session of its own where the guest can make one: the command goes on when its starter has ended. */
const script = `
command -v "$1" > /dev/null 2>&1 || { echo "$1 is not there, or no program" >&2; exit 127; }
start=
if command -v setsid > /dev/null 2>&1; then start=setsid; fi
$start "$@" < /dev/null > ${detachedOutputPath} 2>&1 &
`;

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
    { sandbox: name, argv: ["/bin/sh", "-c", script, "lightbox", ...argv] },
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
