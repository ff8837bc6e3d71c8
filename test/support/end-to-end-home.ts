import { inject } from "vitest";

declare module "vitest" {
  export interface ProvidedContext {
    /** A LIGHTBOX_HOME for each file of end-to-end tests that runs at the same time. */
    homes: readonly string[];
    /** Archive of the busybox base image. */
    busyboxBase: string;
  }
}

/** LIGHTBOX_HOME of this process' tests: no other that runs now has the same. */
export function endToEndHome(): string {
  // Vitest numbers the processes that run at the same time from 1 on.
  const home = inject("homes")[Number(process.env.VITEST_POOL_ID) - 1];
  if (home === undefined) throw new Error(`no home was prepared for process ${process.env.VITEST_POOL_ID}`);
  return home;
}
