import { Failure } from "../diagnostics/failure.ts";
import type { VolumeDescription } from "../worker/worker.ts";
import { type HostOptions, useWorker } from "./host.ts";

/** A volume, as `listVolumes` tells of it. */
export type VolumeRecord = VolumeDescription;

export interface EnsureVolumeOptions extends HostOptions {
  /** Of a volume that is there already they stay as they are. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Refused: a volume is a folder, which takes what it needs of its worker's disk. */
  readonly quotaMib?: number;
}

/** All volumes of the worker, by name. Measures them: the more files, the longer. */
export async function listVolumes(options: HostOptions = {}): Promise<readonly VolumeRecord[]> {
  return await useWorker(options, (worker, signal) => worker.listVolumes(signal));
}

export async function volumeExists(name: string, options: HostOptions = {}): Promise<boolean> {
  return (await listVolumes(options)).some((volume) => volume.name === name);
}

/**
 * Makes a volume unless it is there, and resolves with what it is. One that needs no labels is made by the first sandbox or
 * step that names it.
 * @throws Failure `VolumeQuotaUnsupported`, `SandboxNameRefused`
 */
export async function ensureVolume(
  name: string,
  { labels = {}, quotaMib, ...options }: EnsureVolumeOptions = {},
): Promise<VolumeRecord> {
  if (quotaMib !== undefined) throw quotaUnsupported(name, quotaMib);
  return await useWorker(options, (worker, signal) => worker.ensureVolume({ name, labels }, signal));
}

/** Deletes a volume with all that is in it. @throws Failure `UnknownVolume`, `VolumeInUse` */
export async function removeVolume(name: string, options: HostOptions = {}): Promise<void> {
  await useWorker(options, (worker, signal) => worker.removeVolume(name, signal));
}

function quotaUnsupported(name: string, quotaMib: number): Failure {
  return new Failure({
    code: "VolumeQuotaUnsupported",
    category: "usage",
    message: `volume ${name} cannot be held to ${quotaMib} MiB (quotaMib): it is a folder on its worker's disk, which has no quota`,
    hint: "leave quotaMib out, and watch the sizes that listVolumes tells; or keep the worker's store on a disk of that size",
  });
}
