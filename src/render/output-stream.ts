/** What a renderer writes to: a terminal, a pipe or a test's buffer. `process.stderr` fits. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Undefined where the stream is no terminal. */
  readonly columns?: number;
  readonly rows?: number;
}

/** Wide enough for most lines, for streams that have no width. */
const defaultColumns = 100;
const defaultRows = 24;

export function columnsOf(stream: OutputStream): number {
  return stream.columns !== undefined && stream.columns > 0 ? stream.columns : defaultColumns;
}

export function rowsOf(stream: OutputStream): number {
  return stream.rows !== undefined && stream.rows > 0 ? stream.rows : defaultRows;
}
