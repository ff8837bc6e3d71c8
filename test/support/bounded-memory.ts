import { resourceUsage } from "node:process";
import { getHeapStatistics } from "node:v8";
import { afterAll, expect } from "vitest";
import { fuzzHeapMib } from "./fuzz-heap.ts";

/** The test runner's own share included, and what is outside of the heap, such as the buffers of files. */
const residentMib = fuzzHeapMib + 1024;

/** Fails when this file's process is not bounded as vitest.config.ts says, or has taken more than it should. */
export function expectBoundedMemory(): void {
  afterAll(() => {
    expect(getHeapStatistics().heap_size_limit / 2 ** 20).toBeLessThan(2 * fuzzHeapMib);
    expect(resourceUsage().maxRSS / 1024).toBeLessThan(residentMib);
  });
}
