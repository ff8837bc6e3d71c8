import type { Sha256Digest } from "../model/identifiers.ts";
import type { LockContent } from "./lock-file.ts";

/**
 * What references are held to. `missing` is what becomes of one that has no pin: it is asked for (`ask`), or it is
 * a mistake (`refuse`, as `--locked` has it).
 */
export interface Pins {
  readonly missing: "ask" | "refuse";
  /** False: there is no lock file. */
  readonly isThere: boolean;
  image(reference: string, platform: string): Sha256Digest | undefined;
  commit(url: string, ref: string | null): string | undefined;
  url(url: string): Sha256Digest | undefined;
}

export const noPins: Pins = {
  missing: "ask",
  isThere: false,
  image: () => undefined,
  commit: () => undefined,
  url: () => undefined,
};

/** The pins of a lock file; null: there is none. */
export function pinsOf(lock: LockContent | null, missing: Pins["missing"]): Pins {
  if (lock === null) return { ...noPins, missing };
  return {
    missing,
    isThere: true,
    image: (reference, platform) =>
      lock.images.find((pin) => pin.reference === reference && pin.platform === platform)?.digest,
    commit: (url, ref) => lock.git.find((pin) => pin.url === url && pin.ref === ref)?.commit,
    url: (url) => lock.urls.find((pin) => pin.url === url)?.sha256,
  };
}

/** Why a reference cannot be used with `--locked`; what a diagnostic at it says. */
export function unpinned(name: string, pins: Pins): { code: string; message: string; hint: string } {
  return pins.isThere
    ? {
        code: "LockStale",
        message: `the lock file does not pin ${name}`,
        hint: "write it anew with `lightbox lock`, which leaves the other pins as they are",
      }
    : {
        code: "LockMissing",
        message: `there is no lock file, which --locked needs for ${name}`,
        hint: "write one with `lightbox lock`, and keep it beside the Lightfile",
      };
}
