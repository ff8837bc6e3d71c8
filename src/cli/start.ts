#!/usr/bin/env node
// The `lightbox` program. It turns on V8's compile cache before anything else is loaded: the rest of the command line
// is then read as cached machine code from the second start on. Most of it is not read at all for a bake that was
// asked for before and has nothing to do.
import { enableCompileCache } from "node:module";

enableCompileCache();
if (!(await isAnswered())) {
  const { main } = await import("./main.ts");
  process.exitCode = await main(process.argv);
}
endAtOnce();

/** What the command has opened is closed. To take apart what the process holds would take a tenth of a cached bake. */
function endAtOnce(): void {
  const isWritten = process.stdout.writableLength === 0 && process.stderr.writableLength === 0;
  if (isWritten) process.exit();
}

async function isAnswered(): Promise<boolean> {
  if (process.argv[2] !== "bake") return false;
  const { recallBake } = await import("./remembered/recall-bake.ts");
  return await recallBake();
}
