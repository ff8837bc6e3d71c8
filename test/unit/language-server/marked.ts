/** A text with `|` where the cursor is. */
export interface MarkedText {
  readonly text: string;
  readonly offset: number;
  readonly position: { readonly line: number; readonly character: number };
}

export function marked(written: string): MarkedText {
  const offset = written.indexOf("|");
  if (offset === -1) throw new Error(`no | in ${JSON.stringify(written)}`);
  const before = written.slice(0, offset).split("\n");
  return {
    text: written.slice(0, offset) + written.slice(offset + 1),
    offset,
    position: { line: before.length - 1, character: before.at(-1)?.length ?? 0 },
  };
}
