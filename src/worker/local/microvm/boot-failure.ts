import { Failure } from "../../../diagnostics/failure.ts";
import { type Microsandbox, microsandboxErrorCode } from "./microsandbox.ts";

const logTailLines = 20;

/** The end of what the microVM's kernel and monitor wrote; empty when nothing was kept. */
export async function sandboxLogTail(microsandbox: Microsandbox, name: string): Promise<string> {
  try {
    const handle = await microsandbox.Sandbox.get(name);
    const entries = await handle.logs({ sources: ["system"] });
    const text = Buffer.concat(entries.map(({ data }) => data)).toString("utf8");
    return text.trimEnd().split("\n").slice(-logTailLines).join("\n");
  } catch (error) {
    // Only an explanation is lost; the failure that asked for it is reported in any case.
    if (microsandboxErrorCode(error) === undefined) throw error;
    return "";
  }
}

export interface StartFailureDetails {
  readonly error: unknown;
  readonly timedOut: boolean;
  readonly bootTimeoutMs: number;
  readonly log: string;
  readonly memoryMib: number;
}

/** Why a microVM did not start, as far as its error and log tell. */
export function startFailure(details: StartFailureDetails): Failure {
  const { error, timedOut, log } = details;
  const reason = error instanceof Error ? error.message : String(error);
  const evidence = `${reason}\n${log}`;
  if (!guestRan(log) && /\/dev\/kvm|hypervisor|\bKVM\b|HV_/i.test(evidence)) {
    return new Failure({
      code: "VirtualizationUnavailable",
      category: "environment",
      message: `this host cannot run microVMs: ${firstLine(reason)}`,
      hint: "see `lightbox doctor`; without hardware virtualization, `lightbox machine init` sets up an emulated host",
      cause: error,
    });
  }
  if (/cannot allocate memory|out of memory|ENOMEM/i.test(evidence)) {
    return new Failure({
      code: "NoMemoryForBuilder",
      category: "environment",
      message: `the host has no ${details.memoryMib} MiB of memory for a microVM`,
      hint: "ask for less with `RESOURCES memory=…`, or end other sandboxes",
      cause: error,
    });
  }
  const end = timedOut
    ? `did not start within ${details.bootTimeoutMs / 1000} s`
    : `did not start: ${reason}`;
  return new Failure({
    code: "BuilderDidNotStart",
    category: "environment",
    message: `the microVM ${end}`,
    hint: log === "" ? "see `lightbox doctor`" : `the end of its log:\n${log}`,
    cause: error,
  });
}

/**
 * Whether the guest's processor ran at all, so that the host can run microVMs: the monitor says when it hands over to
 * the guest, whose kernel begins its lines with a time. A kernel that crashes speaks of KVM, too.
 */
function guestRan(log: string): boolean {
  return /before guest execution|KVM_EXIT|^\[ *\d+\.\d+\] /m.test(log);
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
