// Writes lightfile.tmLanguage.json: run it after a change of the table of instructions or of a file in textmate/.
import { writeFileSync } from "node:fs";
import { grammarText } from "./textmate/grammar.ts";

writeFileSync(new URL("lightfile.tmLanguage.json", import.meta.url), grammarText());
