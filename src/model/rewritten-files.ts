/**
 * What the microVM runtime writes into the guest at every boot. None of it is a step's doing, so none of it goes into a
 * layer; what a step writes there itself is lost, as in containers.
 */
export const rewrittenFiles: readonly string[] = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

export const rewrittenFileHint =
  "every boot writes it anew: take this out, or write it when the sandbox runs";
