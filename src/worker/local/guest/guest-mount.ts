import { coveredPaths } from "./mount-places.ts";

/** One mount as the guest's helper takes it (see guest-helper/step-mounts.c). */
export interface GuestMount {
  readonly kind: "bind-ro" | "bind-rw" | "tmpfs" | "cover";
  readonly source: string;
  readonly target: string;
  readonly options: string;
}

/** Parents first, otherwise as written; what is not for the step to see is covered last. */
export function inOrder(mounts: readonly GuestMount[]): readonly GuestMount[] {
  const sorted = mounts.toSorted((left, right) => depth(left.target) - depth(right.target));
  const covers = coveredPaths.map(
    (target): GuestMount => ({ kind: "cover", source: "", target, options: "" }),
  );
  return [...sorted, ...covers];
}

function depth(path: string): number {
  return path.split("/").length;
}
