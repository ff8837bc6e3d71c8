import type { NetworkAccess } from "../../../model/step-operation.ts";
import type { GuestProcess } from "../microvm/guest-process.ts";
import { guestHelperPath, type MicroVm } from "../microvm/micro-vm.ts";
import type { GuestMount } from "./guest-mount.ts";
import type { Identity } from "./users.ts";

export interface GuestRun {
  readonly argv: readonly string[];
  /** Exactly this, and HOME when it has none. */
  readonly environment: Readonly<Record<string, string>>;
  readonly identity: Identity;
  /** Absolute guest path, there already. */
  readonly directory: string;
  readonly network: NetworkAccess;
  /** For this command alone. */
  readonly mounts?: readonly GuestMount[];
  /** When the command is done, everything else that runs in the guest is ended. */
  readonly endsOthers: boolean;
  readonly terminal: { readonly rows: number; readonly columns: number } | null;
}

/** Starts a command with exactly the given environment, identity and network. */
export async function startGuestRun(vm: MicroVm, run: GuestRun): Promise<GuestProcess> {
  const { identity, mounts = [] } = run;
  const environment = Object.entries({ HOME: identity.home, ...run.environment });
  return vm.start({
    program: guestHelperPath,
    arguments: [
      run.endsOthers ? "step" : "run",
      typeof run.network === "string" ? run.network : "default",
      String(identity.userId),
      String(identity.groupId),
      [identity.groupId, ...identity.furtherGroupIds].join(","),
      run.directory,
      String(mounts.length),
      ...mounts.flatMap(({ kind, source, target, options }) => [kind, source, target, options]),
      ...run.argv,
    ],
    environment: environment.map(([name, value], index) => `LIGHTBOX_ENV_${index}=${name}=${value}`),
    terminal: run.terminal,
  });
}
