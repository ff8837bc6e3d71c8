/**
 * The words of a command line as typed so far, the last one being the word at its end: empty behind white space. Quotes
 * and backslashes are removed; nothing is expanded.
 */
export function splitCommandLine(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (quote !== "") {
      if (char === quote) quote = "";
      else if (char === "\\" && quote === '"' && /["\\$`]/.test(line.charAt(at + 1)))
        word += line.charAt(++at);
      else word += char;
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word ??= "";
      if (char === "'" || char === '"') quote = char;
      else if (char === "\\") word += line.charAt(++at);
      else word += char;
    }
  }
  return [...words, word ?? ""];
}
