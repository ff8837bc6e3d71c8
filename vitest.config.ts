import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { endToEndFilesAtOnce } from "./test/support/end-to-end-machines.ts";
import { fuzzHeapMib } from "./test/support/fuzz-heap.ts";
import { LongestFirst } from "./test/support/longest-first.ts";

/** The end-to-end tests make their base images from Debian packages. */
const isDebian = existsSync("/usr/bin/apt-get");
if (!isDebian) process.stderr.write("no apt-get on this host: the end-to-end tests are left out\n");

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/golden/**/*.test.ts"],
          maxWorkers: availableParallelism(),
          testTimeout: 60_000,
        },
      },
      {
        // Each file in a process of its own with little memory: what hoards it, ends there.
        test: {
          name: "fuzz",
          include: ["test/fuzz/**/*.test.ts"],
          pool: "forks",
          execArgv: [`--max-old-space-size=${fuzzHeapMib}`],
          maxWorkers: availableParallelism(),
          testTimeout: 60_000,
        },
      },
      {
        // Real microVMs. Files that run at the same time have each its own machine, where there is no virtualization.
        test: {
          name: "e2e",
          include: isDebian ? ["test/e2e/**/*.test.ts"] : [],
          globalSetup: isDebian ? ["test/e2e/global-setup.ts"] : [],
          setupFiles: ["test/e2e/own-home.ts"],
          maxWorkers: endToEndFilesAtOnce(),
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
