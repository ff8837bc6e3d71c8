/**
 * Makes text that others wrote (a step's output, a Lightfile's line) safe for a terminal. Escape sequences could
 * move the cursor over what lightbox printed, set the title, or answer queries into the user's shell; characters
 * that turn the writing direction could make text read differently from what it is.
 */

/** ECMA-48: control sequences, strings (OSC, DCS, SOS, PM, APC) up to their end, and the other escapes. */
const escapeSequence =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is what this is for
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]?/g;

/** C0 without tab and line feed, DEL, C1, and the bidirectional controls. */
const controlCharacter =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is what this is for
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A colour or weight ("select graphic rendition"), which moves nothing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is what this is for
const graphicRendition = /^(?:\x1b\[|\x9b)[0-9;:]*m$/;

/** Without escape sequences and control characters; tabs and line feeds stay. */
export function plainText(text: string): string {
  return text.replace(escapeSequence, "").replace(controlCharacter, "");
}

/** Like {@link plainText}, but colours stay; what they set is reset at the end. */
export function colouredText(text: string): string {
  let hasColour = false;
  let result = "";
  let from = 0;
  for (const match of text.matchAll(escapeSequence)) {
    result += text.slice(from, match.index).replace(controlCharacter, "");
    from = match.index + match[0].length;
    if (!graphicRendition.test(match[0])) continue;
    hasColour = true;
    result += match[0];
  }
  result += text.slice(from).replace(controlCharacter, "");
  return hasColour ? `${result}\x1b[0m` : result;
}

/** What a terminal would show of a line that a progress bar has overwritten: the text after the last return. */
export function lastOverwrite(line: string): string {
  const trimmed = line.replace(/\r+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("\r") + 1);
}
