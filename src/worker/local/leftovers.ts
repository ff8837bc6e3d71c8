import { builderNamePrefix } from "./builder/builder.ts";
import { removeMicroVm } from "./microvm/micro-vm.ts";
import type { Microsandbox, SandboxHandle } from "./microvm/microsandbox.ts";
import type { SandboxRecords } from "./sandboxes/sandbox-record.ts";

const pageSize = 100;

/**
 * Clears away what workers that were killed left: builders whose process is gone, and sandboxes of this
 * store that never came to have a record.
 */
export async function removeLeftovers(microsandbox: Microsandbox, records: SandboxRecords): Promise<void> {
  for (const { name } of await allSandboxes(microsandbox)) {
    const owner = builderOwner(name);
    if (owner !== undefined && !isAlive(owner)) await removeMicroVm(microsandbox, name);
  }
  for (const { name, owner } of await records.unfinished()) {
    if (isAlive(owner)) continue;
    await removeMicroVm(microsandbox, records.runtimeName(name));
    await records.remove(name);
  }
}

async function allSandboxes(microsandbox: Microsandbox): Promise<readonly SandboxHandle[]> {
  const all: SandboxHandle[] = [];
  let cursor: string | undefined;
  do {
    const from = cursor;
    const page = await microsandbox.Sandbox.listWith((list) =>
      from === undefined ? list.limit(pageSize) : list.limit(pageSize).cursor(from),
    );
    all.push(...page.sandboxes);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return all;
}

/** Process id in a builder's name; undefined for the name of anything else. */
export function builderOwner(name: string): number | undefined {
  if (!name.startsWith(builderNamePrefix)) return undefined;
  const owner = /^(\d+)-[0-9a-f]{8}$/.exec(name.slice(builderNamePrefix.length))?.[1];
  return owner === undefined ? undefined : Number(owner);
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: it is another user's, so it is there.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
