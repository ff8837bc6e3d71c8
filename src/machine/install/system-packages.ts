import { Failure } from "../../diagnostics/failure.ts";
import { findProgram, lastLines, runCommand } from "../external-command.ts";
import type { InstallEvent } from "./events.ts";

export const qemuPackage = "qemu-system-x86";

/** What would be run as root. */
export interface SystemInstallation {
  readonly packages: readonly string[];
  /** The exact commands, in order. */
  readonly commands: readonly (readonly string[])[];
}

export interface SystemInstallOptions {
  readonly confirm: (installation: SystemInstallation) => Promise<boolean>;
  readonly onEvent: (event: InstallEvent) => void;
  readonly signal: AbortSignal;
}

/**
 * Installs Debian packages on this host, after asking. As an ordinary user through `sudo`.
 *
 * @throws Failure `QemuMissing`, `FilesystemToolMissing` with the command to run by hand, when it cannot or may not.
 */
export async function installSystemPackages(
  packages: readonly string[],
  { confirm, onEvent, signal }: SystemInstallOptions,
): Promise<void> {
  const byHand = `apt-get install --no-install-recommends ${packages.join(" ")}`;
  if ((await findProgram("apt-get")) === undefined) {
    throw missing(
      packages,
      "install QEMU (x86_64 system emulation) and e2fsprogs with this system's package manager",
    );
  }
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && (await findProgram("sudo")) === undefined) {
    throw missing(packages, `run this as root, then \`lightbox machine init\` again: ${byHand}`);
  }
  const isKnown = await areKnown(packages, signal);
  const installation = { packages, commands: installCommands(packages, { isRoot, isKnown }) };
  if (!(await confirm(installation))) {
    throw missing(packages, `run this yourself, then \`lightbox machine init\` again: ${byHand}`);
  }
  for (const command of installation.commands) {
    onEvent({ kind: "command", command: command.join(" "), why: `install ${packages.join(" and ")}` });
    const result = await runCommand(command, {
      signal,
      timeoutMs: 1_200_000,
      terminal: !isRoot,
      onOutput: (text) => onEvent({ kind: "output", text }),
    });
    if (result.exitCode !== 0) {
      const said = lastLines(result.stderr || result.stdout, 5);
      throw missing(packages, `\`${command.join(" ")}\` ended with exit code ${result.exitCode}:\n${said}`);
    }
  }
}

/** The lists are fetched first when they do not know the packages, as in a fresh container. */
export function installCommands(
  packages: readonly string[],
  host: { readonly isRoot: boolean; readonly isKnown: boolean },
): readonly (readonly string[])[] {
  const prefix = host.isRoot ? [] : ["sudo"];
  const quiet = ["env", "DEBIAN_FRONTEND=noninteractive"];
  const wait = ["-o", "DPkg::Lock::Timeout=120"];
  const install = [...prefix, ...quiet, "apt-get", ...wait, "install", "--yes", "--no-install-recommends"];
  const update = [...prefix, "apt-get", "update"];
  return host.isKnown ? [[...install, ...packages]] : [update, [...install, ...packages]];
}

async function areKnown(packages: readonly string[], signal: AbortSignal): Promise<boolean> {
  const { exitCode } = await runCommand(["apt-cache", "show", "--no-all-versions", ...packages], {
    signal,
    timeoutMs: 60_000,
  });
  return exitCode === 0;
}

/** For QEMU, or for `mke2fs` alone. */
export function missingProgramCode(lacksQemu: boolean): "QemuMissing" | "FilesystemToolMissing" {
  return lacksQemu ? "QemuMissing" : "FilesystemToolMissing";
}

function missing(packages: readonly string[], hint: string): Failure {
  return new Failure({
    code: missingProgramCode(packages.includes(qemuPackage)),
    category: "environment",
    message: `the machine needs ${packages.join(" and ")}, which ${packages.length === 1 ? "is" : "are"} not installed`,
    hint,
  });
}
