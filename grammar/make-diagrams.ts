// Writes railroad.html: run it after a change of the parser's rules or of the table of instructions.
import { writeFileSync } from "node:fs";
import { makePage } from "./railroad/page.ts";

writeFileSync(new URL("railroad.html", import.meta.url), makePage());
