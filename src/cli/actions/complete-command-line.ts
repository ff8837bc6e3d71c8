import type { Command } from "commander";
import { completeWords } from "../completion/complete-words.ts";
import { knownNames } from "../completion/known-names.ts";
import { splitCommandLine } from "../completion/shell-words.ts";
import type { Session } from "../session.ts";

/** Prints what may stand at the end of the command line, in the form that the scripts of `lightbox completion` read. */
export async function completeCommandLine(
  program: Command,
  asked: { readonly form: "line" | "words"; readonly words: readonly string[] },
  session: Session,
): Promise<void> {
  // The line holds the name of the program, the words come without it.
  const words = asked.form === "line" ? splitCommandLine(asked.words[0] ?? "").slice(1) : asked.words;
  const completion = await completeWords(program, words, (request) => knownNames(request, session));
  const lines = completion.candidates.map(
    ({ value, description }) => `${oneLine(value)}\t${oneLine(description)}\n`,
  );
  const ending = [completion.shellPart, ...(completion.goesOn ? ["goes-on"] : [])].join(",");
  session.stdout.write(`${lines.join("")}:${ending}\n`);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
