import type { OutputStream } from "../../../src/render/output-stream.ts";

/** An output stream that keeps what is written. */
export class MemoryStream implements OutputStream {
  written = "";
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;

  constructor(options: { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number } = {}) {
    this.isTTY = options.isTTY ?? false;
    this.columns = options.columns ?? 80;
    this.rows = options.rows ?? 24;
  }

  write(text: string): void {
    this.written += text;
  }
}
