import { withWorker } from "../../host/choose-worker.ts";
import type { WorkerOptions } from "../../host/host-context.ts";
import { askHealth, type Health } from "../../sandboxes/health.ts";
import { stopSandbox } from "../../sandboxes/stop-sandbox.ts";
import type { PortMapping, SandboxDescription, Worker } from "../../worker/worker.ts";
import { formatAge } from "../age.ts";
import type { Session } from "../session.ts";
import { formatTable } from "../table.ts";
import { withEachName } from "./for-each-name.ts";

export async function listSandboxes(
  options: WorkerOptions & { readonly quiet?: boolean; readonly health?: boolean; readonly format: string },
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const sandboxes = await withHealth(worker, await worker.listSandboxes(session.signal), options, session);
    if (options.format === "json") {
      session.stdout.write(`${JSON.stringify(sandboxes, null, 2)}\n`);
    } else if (options.quiet) {
      session.stdout.write(sandboxes.map((sandbox) => `${sandbox.name}\n`).join(""));
    } else {
      session.stdout.write(
        formatTable(
          ["NAME", "STATUS", ...(options.health ? ["HEALTH"] : []), "SNAPSHOT", "CREATED", "PORTS"],
          sandboxes.map((sandbox) => [
            sandbox.name,
            sandbox.status,
            ...(options.health ? [sandbox.health ?? "-"] : []),
            sandbox.snapshot ?? "-",
            formatAge(sandbox.createdAt),
            sandbox.ports.map(formatPort).join(", "),
          ]),
        ),
      );
    }
    return 0;
  });
}

type ListedSandbox = SandboxDescription & { readonly health?: Health | null };

/** With `--health`, what each one's check says right now; all are asked at once. */
async function withHealth(
  worker: Worker,
  sandboxes: readonly SandboxDescription[],
  { health }: { readonly health?: boolean },
  { signal }: Session,
): Promise<readonly ListedSandbox[]> {
  if (!health) return sandboxes;
  return await Promise.all(
    sandboxes.map(async (sandbox) => ({ ...sandbox, health: await askHealth(worker, sandbox, signal) })),
  );
}

function formatPort(port: PortMapping): string {
  return `${port.hostAddress}:${port.hostPort}->${port.guestPort}/${port.protocol}`;
}

export function stopSandboxes(
  names: readonly string[],
  options: WorkerOptions,
  session: Session,
): Promise<number> {
  return withEachName({ ...options, names }, session, (worker, name) =>
    stopSandbox(worker, name, session.signal),
  );
}

export function removeSandboxes(
  names: readonly string[],
  options: WorkerOptions & { readonly force?: boolean },
  session: Session,
): Promise<number> {
  const force = options.force ?? false;
  return withEachName({ ...options, names }, session, (worker, name) =>
    worker.removeSandbox(name, { force }, session.signal),
  );
}
