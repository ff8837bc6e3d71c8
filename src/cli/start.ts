#!/usr/bin/env node
// The `lightbox` program. It only turns on V8's compile cache before anything else is loaded: the rest of the
// command line is then read as cached machine code from the second start on.
import { enableCompileCache } from "node:module";

enableCompileCache();
const { main } = await import("./main.ts");
process.exitCode = await main(process.argv);
