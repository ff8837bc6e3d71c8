/**
 * Of the processes that fuzz; vitest.config.ts sets it. The texts of a long run (FUZZ_RUNS) are five times as long, and
 * a tree takes memory in proportion.
 */
export const fuzzHeapMib = process.env.FUZZ_RUNS === undefined ? 512 : 2048;
