import { Failure } from "../diagnostics/failure.ts";
import type { SandboxDescription, Worker } from "../worker/worker.ts";

/** As long as Docker waits after STOPSIGNAL. */
const graceSeconds = 10;

/**
 * $0 is the signal. It goes to every process but init and this shell; then all of them are waited for. Kernel
 * threads and zombies have no `exe`; the parent is lightbox's helper.
 */
const script = `
kill "-$0" -1 2>/dev/null
left=${graceSeconds * 10}
while [ "$left" -gt 0 ]; do
  alive=
  for process in /proc/[0-9]*; do
    case "\${process#/proc/}" in 1 | $$ | $PPID) continue ;; esac
    if [ -e "$process/exe" ]; then alive=yes; fi
  done
  if [ -z "$alive" ]; then exit 0; fi
  sleep 0.1
  left=$((left - 1))
done
`;

/**
 * Sends the signal that STOPSIGNAL names and waits for what it ends, so that what follows finds nothing to end the
 * hard way. A sandbox without a shell is left to that.
 */
export async function sendStopSignal(
  worker: Worker,
  { name, status, configuration }: SandboxDescription,
  signal: AbortSignal,
): Promise<void> {
  const { stopSignal } = configuration;
  if (stopSignal === null || status !== "running") return;
  const limit = AbortSignal.timeout((graceSeconds + 5) * 1000);
  try {
    await worker.execInSandbox(
      {
        sandbox: name,
        argv: ["/bin/sh", "-c", script, stopSignal.toUpperCase().replace(/^SIG/, "")],
        environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
        workingDirectory: "/",
        user: "root",
        terminal: null,
        detachedOutput: null,
      },
      { stdin: null, stdout() {}, stderr() {}, resizes: null },
      AbortSignal.any([signal, limit]),
    );
  } catch (error) {
    const isLeftToStop =
      error instanceof Failure && !signal.aborted && (limit.aborted || error.category === "usage");
    if (!isLeftToStop) throw error;
  }
}
