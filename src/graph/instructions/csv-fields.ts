/** One field of a comma-separated line, without its quotes, and where it stands in the line. */
export interface CsvField {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Splits one line at commas as RFC 4180 has it, which is how Docker reads `--mount`: a field that begins with `"` ends
 * at the next single `"`, may hold commas, and `""` in it is one quote.
 *
 * @returns where an unclosed or misplaced quote stands, instead of fields, when there is one
 */
export function splitCsv(line: string): readonly CsvField[] | { readonly quoteAt: number } {
  const fields: CsvField[] = [];
  let at = 0;
  while (at <= line.length) {
    const start = at;
    let text = "";
    if (line[at] === '"') {
      const closed = quotedField(line, at);
      if (closed === null) return { quoteAt: at };
      ({ text, end: at } = closed);
      if (at < line.length && line[at] !== ",") return { quoteAt: at };
    } else {
      const comma = line.indexOf(",", at);
      at = comma === -1 ? line.length : comma;
      text = line.slice(start, at);
      const quote = text.indexOf('"');
      if (quote !== -1) return { quoteAt: start + quote };
    }
    fields.push({ text, start, end: at });
    at += 1;
  }
  return fields;
}

function quotedField(line: string, start: number): { readonly text: string; readonly end: number } | null {
  let text = "";
  for (let at = start + 1; at < line.length; at += 1) {
    if (line[at] !== '"') {
      text += line[at];
    } else if (line[at + 1] === '"') {
      text += '"';
      at += 1;
    } else {
      return { text, end: at + 1 };
    }
  }
  return null;
}
