import { existsSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { fuzzHeapMib } from "./test/support/fuzz-heap.ts";

/** The end-to-end tests make their base images from Debian packages. */
const isDebian = existsSync("/usr/bin/apt-get");
if (!isDebian) process.stderr.write("no apt-get on this host: the end-to-end tests are left out\n");

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/golden/**/*.test.ts"],
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
          testTimeout: 60_000,
        },
      },
      {
        // Real microVMs: one file at a time, because two of them at once are slower than one after the other.
        test: {
          name: "e2e",
          include: isDebian ? ["test/e2e/**/*.test.ts"] : [],
          globalSetup: isDebian ? ["test/e2e/global-setup.ts"] : [],
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
