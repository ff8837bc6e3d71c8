// Preloaded into a process: prints the largest resident memory that it had, in bytes, when it ends.
import { writeSync } from "node:fs";

process.on("exit", () => {
  writeSync(1, `peak memory: ${process.resourceUsage().maxRSS * 1024}\n`);
});
