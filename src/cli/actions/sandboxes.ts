import type { PortMapping } from "../../worker/worker.ts";
import { formatAge } from "../age.ts";
import { withWorker } from "../open-worker.ts";
import type { WorkerOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { formatTable } from "../table.ts";

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

export async function stopSandboxes(
  names: readonly string[],
  options: WorkerOptions,
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    for (const name of names) {
      await worker.stopSandbox(name, session.signal);
      session.stdout.write(`${name}\n`);
    }
    return 0;
  });
}

export async function removeSandboxes(
  names: readonly string[],
  options: WorkerOptions & { readonly force?: boolean },
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    for (const name of names) {
      await worker.removeSandbox(name, { force: options.force ?? false }, session.signal);
      session.stdout.write(`${name}\n`);
    }
    return 0;
  });
}
