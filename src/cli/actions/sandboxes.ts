import type { PortMapping } from "../../worker/worker.ts";
import { formatAge } from "../age.ts";
import { withWorker } from "../open-worker.ts";
import type { WorkerOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { formatTable } from "../table.ts";
import { withEachName } from "./for-each-name.ts";

export async function listSandboxes(
  options: WorkerOptions & { readonly quiet?: boolean; readonly format: string },
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const sandboxes = await worker.listSandboxes(session.signal);
    if (options.format === "json") {
      session.stdout.write(`${JSON.stringify(sandboxes, null, 2)}\n`);
    } else if (options.quiet) {
      session.stdout.write(sandboxes.map((sandbox) => `${sandbox.name}\n`).join(""));
    } else {
      session.stdout.write(
        formatTable(
          ["NAME", "STATUS", "SNAPSHOT", "CREATED", "PORTS"],
          sandboxes.map((sandbox) => [
            sandbox.name,
            sandbox.status,
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

function formatPort(port: PortMapping): string {
  return `${port.hostAddress}:${port.hostPort}->${port.guestPort}/${port.protocol}`;
}

export function stopSandboxes(
  names: readonly string[],
  options: WorkerOptions,
  session: Session,
): Promise<number> {
  return withEachName({ ...options, names }, session, (worker, name) =>
    worker.stopSandbox(name, session.signal),
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
