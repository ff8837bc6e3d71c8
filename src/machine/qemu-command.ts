import { guestWorkerPort, settingsEntry } from "./guest-scripts.ts";
import { machineSockets } from "./machine-paths.ts";

export interface QemuOptions {
  readonly qemuPath: string;
  readonly kernel: string;
  readonly initramfs: string;
  readonly rootDisk: string;
  readonly dataDisk: string;
  readonly guestSettings: string;
  readonly consoleLog: string;
  readonly pidFile: string;
  readonly cpus: number;
  readonly memoryMib: number;
}

/** Id of the user network, which port forwardings name. */
export const networkId = "net0";

/**
 * QEMU's command line. It runs in the folder of its sockets. Nothing secret stands here: other users can
 * read it. The worker's host port is chosen by the kernel (0) and asked from the monitor afterwards.
 */
export function qemuCommand(options: QemuOptions): readonly string[] {
  return [
    options.qemuPath,
    ...["-name", "lightbox-machine", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ...["-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max,+svm"],
    ...["-smp", String(options.cpus), "-m", `${options.memoryMib}M`],
    ...["-kernel", options.kernel, "-initrd", options.initramfs, "-append", kernelParameters],
    ...["-pidfile", options.pidFile],
    ...["-fw_cfg", `name=${settingsEntry},file=${quoted(options.guestSettings)}`],
    ...disk("root", options.rootDisk, "readonly=on"),
    ...disk("data", options.dataDisk, "cache=writeback,discard=unmap,detect-zeroes=unmap"),
    ...["-netdev", `user,id=${networkId},hostfwd=tcp:127.0.0.1:0-:${guestWorkerPort}`],
    ...["-device", `virtio-net-pci,netdev=${networkId},romfile=`],
    ...["-chardev", `file,id=console,path=${quoted(options.consoleLog)}`, "-serial", "chardev:console"],
    ...["-device", "virtio-serial-pci"],
    ...socket("shell", machineSockets.shell),
    ...["-device", "virtconsole,chardev=shell"],
    ...socket("control", machineSockets.control),
    ...["-device", "virtconsole,chardev=control"],
    ...["-device", "virtio-balloon-pci,free-page-reporting=on"],
    ...socket("monitor", machineSockets.monitor),
    ...["-mon", "chardev=monitor,mode=control"],
  ];
}

/** `mitigations=off`: nothing but this machine's own worker runs at this level, and emulation pays for each. */
const kernelParameters = [
  "console=ttyS0",
  "quiet",
  "panic=-1",
  "no_timer_check", // a busy host delays the timer, and the check then takes it for broken
  "reboot=t",
  "mitigations=off",
  "cryptomgr.notests",
  "random.trust_cpu=on",
  "i8042.noaux",
  "i8042.nokbd",
  "net.ifnames=0",
].join(" ");

function disk(id: string, path: string, settings: string): readonly string[] {
  return [
    ...["-drive", `if=none,id=${id},format=raw,${settings},file=${quoted(path)}`],
    ...["-device", `virtio-blk-pci,drive=${id}`],
  ];
}

function socket(id: string, path: string): readonly string[] {
  return ["-chardev", `socket,id=${id},path=${path},server=on,wait=off`];
}

/** A comma in an option's value is written twice. */
function quoted(value: string): string {
  return value.replaceAll(",", ",,");
}
