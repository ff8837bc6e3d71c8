/** Of the processes that fuzz; vitest.config.ts sets it. */
export const fuzzHeapMib = 512;
