/** What a caller of the machine may show while it waits. */
export type MachineEvent =
  /** Another process starts or stops the machine. */
  | { readonly kind: "waiting-for-other-process" }
  | { readonly kind: "making-data-disk" }
  | { readonly kind: "making-root-image" }
  | { readonly kind: "booting" }
  | { readonly kind: "waiting-for-worker" }
  | { readonly kind: "ready"; readonly durationMs: number }
  /** It runs an older lightbox and is restarted with this one. */
  | { readonly kind: "restarting" }
  /** It runs an older lightbox, but is in use. */
  | { readonly kind: "outdated-kept" }
  | { readonly kind: "stopping" };

/** A machine event as one line for people. */
export function describeMachineEvent(event: MachineEvent): string {
  switch (event.kind) {
    case "waiting-for-other-process":
      return "waiting for another lightbox that starts or stops the machine";
    case "making-data-disk":
      return "making the machine's data disk";
    case "making-root-image":
      return "making the machine's root image";
    case "booting":
      return "booting the machine";
    case "waiting-for-worker":
      return "waiting for the machine's worker";
    case "ready":
      return `the machine is ready (${(event.durationMs / 1000).toFixed(1)} s)`;
    case "restarting":
      return "restarting the machine, which runs another version of lightbox";
    case "outdated-kept":
      return "the machine runs another version of lightbox and is in use; it is not restarted";
    case "stopping":
      return "stopping the machine";
  }
}
