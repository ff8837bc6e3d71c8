import { totalmem } from "node:os";
import { Failure } from "../diagnostics/failure.ts";

/** What the machine gets of this host. Memory is only taken as the machine touches it. */
export interface MachineResources {
  readonly cpus: number;
  readonly memoryMib: number;
  /** Largest size of the data disk's file, which is sparse; fixed when the disk is made. */
  readonly dataDiskMib: number;
  /** The machine powers off after this long without clients and running sandboxes; 0: never. */
  readonly idleMinutes: number;
}

/** The variables that change {@link MachineResources}. */
export interface MachineEnvironment {
  /** e.g. `15` or `15m`, `2h`, `0` for never. */
  readonly LIGHTBOX_MACHINE_IDLE?: string | undefined;
  readonly LIGHTBOX_MACHINE_CPUS?: string | undefined;
  /** MiB. */
  readonly LIGHTBOX_MACHINE_MEMORY?: string | undefined;
  /** GiB; only when the data disk is made. */
  readonly LIGHTBOX_MACHINE_DISK?: string | undefined;
}

const defaultDataDiskGib = 64;
const defaultIdleMinutes = 15;

/**
 * With several processors, QEMU's emulation mixes up the states of a microVM and of the machine around it now and then, and
 * the microVM spins for ever: see docs/decisions/0014-one-processor.md.
 */
const defaultCpus = 1;

/**
 * One CPU and 40 % of the memory (3 to 6 GiB), unless the environment says otherwise.
 *
 * @throws Failure `MachineSettingInvalid`
 */
export function machineResources(environment: MachineEnvironment, host = hostCapacity()): MachineResources {
  const share = Math.round(host.memoryMib * 0.4);
  return {
    cpus: wholeNumber("LIGHTBOX_MACHINE_CPUS", environment.LIGHTBOX_MACHINE_CPUS, 1) ?? defaultCpus,
    memoryMib:
      wholeNumber("LIGHTBOX_MACHINE_MEMORY", environment.LIGHTBOX_MACHINE_MEMORY, 1024) ??
      Math.min(Math.max(share, 3072), 6144),
    dataDiskMib:
      1024 *
      (wholeNumber("LIGHTBOX_MACHINE_DISK", environment.LIGHTBOX_MACHINE_DISK, 4) ?? defaultDataDiskGib),
    idleMinutes: idleMinutes(environment.LIGHTBOX_MACHINE_IDLE),
  };
}

export interface HostCapacity {
  readonly memoryMib: number;
}

/** What this process may use: a container's limit counts, too. */
export function hostCapacity(): HostCapacity {
  const limitBytes = process.constrainedMemory();
  const totalBytes = totalmem();
  const usableBytes = limitBytes > 0 ? Math.min(limitBytes, totalBytes) : totalBytes;
  return { memoryMib: Math.floor(usableBytes / 2 ** 20) };
}

function idleMinutes(text: string | undefined): number {
  if (text === undefined || text === "") return defaultIdleMinutes;
  const [, number, unit] = /^(\d{1,6})([mh]?)$/.exec(text) ?? [];
  if (number === undefined) {
    throw invalidSetting(
      "LIGHTBOX_MACHINE_IDLE",
      text,
      "minutes or a time such as 15m or 2h, or 0 for never",
    );
  }
  return Number(number) * (unit === "h" ? 60 : 1);
}

function wholeNumber(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined || text === "") return undefined;
  const number = Number(text);
  if (!/^\d{1,7}$/.test(text) || number < least) {
    throw invalidSetting(name, text, `a whole number, at least ${least}`);
  }
  return number;
}

function invalidSetting(name: string, text: string, wanted: string): Failure {
  return new Failure({
    code: "MachineSettingInvalid",
    category: "usage",
    message: `${name} is ${JSON.stringify(text)}, but must be ${wanted}`,
    hint: `correct or unset ${name}`,
  });
}
