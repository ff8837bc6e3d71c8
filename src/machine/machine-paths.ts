import { join } from "node:path";

/** Where the machine keeps what it needs, all below `<LIGHTBOX_HOME>/machine`. */
export interface MachinePaths {
  readonly root: string;
  /** What `lightbox machine init` found and fetched; its presence means: installed. */
  readonly installation: string;
  /** Unpacked packages, one folder per package and version. */
  readonly packages: string;
  /** Built root images, one folder per content key. */
  readonly images: string;
  /** Holds the store of the worker inside; survives everything except `lightbox machine rm`. */
  readonly dataDisk: string;
  /** Answer of the virtualization probe. */
  readonly probe: string;
  /** Of the running machine: sockets, logs, state; only its owner may enter. */
  readonly run: string;
  readonly state: string;
  readonly pidFile: string;
  readonly guestSettings: string;
  readonly consoleLog: string;
  readonly previousConsoleLog: string;
  readonly qemuLog: string;
}

/** Names of the sockets in {@link MachinePaths.run}; QEMU runs there, so they stay short. */
export const machineSockets = {
  monitor: "monitor.sock",
  shell: "shell.sock",
  control: "control.sock",
} as const;

export function machinePaths(home: string): MachinePaths {
  const root = join(home, "machine");
  const run = join(root, "run");
  return {
    root,
    installation: join(root, "machine.json"),
    packages: join(root, "packages"),
    images: join(root, "images"),
    dataDisk: join(root, "data.img"),
    probe: join(root, "probe.json"),
    run,
    state: join(run, "state.json"),
    pidFile: join(run, "qemu.pid"),
    guestSettings: join(run, "settings"),
    consoleLog: join(run, "console.log"),
    previousConsoleLog: join(run, "console.previous.log"),
    qemuLog: join(run, "qemu.log"),
  };
}
