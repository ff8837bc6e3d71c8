import { readFile } from "node:fs/promises";
import { exists } from "../model/present-files.ts";
import { sizeOnDisk } from "./data-disk.ts";
import { guestWorkerPort } from "./guest-scripts.ts";
import { endpointOf } from "./machine-endpoint.ts";
import { readLiveState } from "./machine-state.ts";
import { withMonitor } from "./monitor.ts";
import { listForwardings, type PortForwarding } from "./port-forwarding.ts";
import { isPaused, isServing, type ServingOptions } from "./serving.ts";

export type MachineStatus =
  | { readonly state: "not-installed" }
  | { readonly state: "stopped"; readonly dataBytesOnDisk: number }
  | {
      /** `paused`: the host's disk is full; it goes on once there is space. */
      readonly state: "running" | "starting" | "paused";
      readonly pid: number;
      readonly url: string;
      readonly startedAt: string;
      readonly cpus: number;
      readonly memoryMib: number;
      /** Memory that QEMU holds of the host. */
      readonly residentBytes: number;
      readonly dataBytesOnDisk: number;
      readonly forwardings: readonly PortForwarding[];
    };

/** What the machine does at this moment; starts nothing. */
export async function machineStatus(serving: ServingOptions, signal: AbortSignal): Promise<MachineStatus> {
  const { paths } = serving;
  const dataBytesOnDisk = (await sizeOnDisk(paths.dataDisk)) ?? 0;
  const state = await readLiveState(paths);
  if (state === undefined) {
    if (!(await exists(paths.installation))) return { state: "not-installed" };
    return { state: "stopped", dataBytesOnDisk };
  }
  const seen = await withMonitor(paths.run, signal, async (call) => ({
    paused: isPaused(await call("query-status")),
    forwardings: await listForwardings(call),
  }));
  const working = seen.paused ? "paused" : (await isServing(state, serving)) ? "running" : "starting";
  return {
    state: working,
    pid: state.pid,
    url: endpointOf(state).url,
    startedAt: state.startedAt,
    cpus: state.cpus,
    memoryMib: state.memoryMib,
    residentBytes: await residentBytes(state.pid),
    dataBytesOnDisk,
    forwardings: seen.forwardings.filter((one) => one.guestPort !== guestWorkerPort),
  };
}

async function residentBytes(pid: number): Promise<number> {
  const pages = (await readFile(`/proc/${pid}/statm`, "utf8")).split(" ")[1];
  return Number(pages) * 4096;
}
