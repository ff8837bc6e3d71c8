/**
 * What a terminal shows after some output: enough of ECMA-48 for what a live renderer writes (cursor up, down and
 * to column 1, erase in line, private modes). Anything else is a mistake of the renderer and throws.
 */
export function screenAfter(output: string): string {
  const lines: string[][] = [[]];
  let row = 0;
  let column = 0;
  const line = (): string[] => {
    while (lines.length <= row) lines.push([]);
    return lines[row] ?? [];
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's input is made of them
  for (const [text, parameter, final] of output.matchAll(/\x1b\[([?0-9;]*)([A-Za-z])|[\s\S]/gu)) {
    if (final === undefined) {
      if (text === "\n") {
        row += 1;
        column = 0;
      } else {
        const cells = line();
        while (cells.length < column) cells.push(" ");
        cells[column] = text;
        column += 1;
      }
      line();
      continue;
    }
    const count = parameter === "" ? 1 : Number(parameter);
    if (final === "A") row = Math.max(0, row - count);
    else if (final === "B") row = Math.min(lines.length - 1, row + count);
    else if (final === "G") column = count - 1;
    else if (final === "K" && parameter === "2") line().length = 0;
    else if (final === "K" && (parameter === "" || parameter === "0"))
      line().length = Math.min(line().length, column);
    else if ((final === "h" || final === "l") && parameter?.startsWith("?")) continue;
    else throw new Error(`the screen does not know ${JSON.stringify(text)}`);
  }
  return lines.map((cells) => cells.join("").trimEnd()).join("\n");
}
