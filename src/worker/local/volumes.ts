import { basename, dirname } from "node:path";
import { Failure } from "../../diagnostics/failure.ts";
import type { HeldVolumes, Holder, LayerStore } from "../../layers/layer-store.ts";
import type { VolumeDescription, VolumeRequest } from "../worker.ts";
import { checkSandboxName } from "./sandboxes/sandbox-record.ts";

type VolumeStore = Pick<LayerStore, "volumes">;

/** For a lineage of this process. @throws Failure `SandboxNameRefused` */
export async function holdVolumes(store: VolumeStore, names: readonly string[]): Promise<HeldVolumes> {
  for (const name of names) checkSandboxName(name, "volume");
  return store.volumes.hold(names, { kind: "process", pid: process.pid });
}

/** See `Worker.ensureVolume`. @throws Failure `SandboxNameRefused` */
export async function ensureVolume(
  store: VolumeStore,
  { name, labels }: VolumeRequest,
): Promise<VolumeDescription> {
  checkSandboxName(name, "volume");
  return store.volumes.ensure(name, labels);
}

/**
 * See `Worker.removeVolume`.
 * @param clearEnded removes sandboxes that were to go when they end, and have ended: they need nothing any more
 * @throws Failure `UnknownVolume`, `VolumeInUse`, `SandboxNameRefused`
 */
export async function removeVolume(
  store: VolumeStore,
  name: string,
  clearEnded: () => Promise<unknown>,
): Promise<void> {
  checkSandboxName(name, "volume");
  let holders = await store.volumes.remove(name);
  if (holders.some(({ kind }) => kind === "file")) {
    await clearEnded();
    holders = await store.volumes.remove(name);
  }
  if (holders.length > 0) throw volumeInUse(name, holders);
}

function volumeInUse(name: string, holders: readonly Holder[]): Failure {
  // A sandbox holds with a file in its folder.
  const folders = holders.flatMap((holder) => (holder.kind === "file" ? [dirname(holder.path)] : []));
  const sandboxes = [...new Set(folders.map((folder) => basename(folder)))].sort();
  const [first] = sandboxes;
  return new Failure({
    code: "VolumeInUse",
    category: "usage",
    message:
      first === undefined
        ? `volume ${name} is mounted by a bake that is under way`
        : `volume ${name} is mounted by ${sandboxes.length === 1 ? "sandbox" : "sandboxes"} ${sandboxes.join(", ")}`,
    hint:
      first === undefined
        ? "try again when it has ended"
        : `remove ${sandboxes.length === 1 ? "it" : "them"} first, also when stopped: \`lightbox rm ${sandboxes.join(" ")}\` (--force ends what is running)`,
  });
}
