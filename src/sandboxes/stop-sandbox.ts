import type { Worker } from "../worker/worker.ts";
import { sendStopSignal } from "./stop-signal.ts";

/**
 * Stops a sandbox as its snapshot says: STOPSIGNAL first.
 * @throws Failure `UnknownSandbox`
 */
export async function stopSandbox(worker: Worker, name: string, signal: AbortSignal): Promise<void> {
  const sandboxes = await worker.listSandboxes(signal);
  const sandbox = sandboxes.find((one) => one.name === name);
  if (sandbox !== undefined) await sendStopSignal(worker, sandbox, signal);
  await worker.stopSandbox(name, signal);
}
