/** How a command in a sandbox ended, and all that it printed. */
export class ExecOutput {
  /** As a shell reports it: 128 + n for signal n. */
  readonly code: number;
  readonly #stdout: Uint8Array;
  readonly #stderr: Uint8Array;

  constructor(code: number, streams: { readonly stdout: Uint8Array; readonly stderr: Uint8Array }) {
    this.code = code;
    this.#stdout = streams.stdout;
    this.#stderr = streams.stderr;
  }

  get success(): boolean {
    return this.code === 0;
  }

  /** As UTF-8; bytes that are none become U+FFFD. */
  stdout(): string {
    return new TextDecoder().decode(this.#stdout);
  }

  stderr(): string {
    return new TextDecoder().decode(this.#stderr);
  }

  stdoutBytes(): Uint8Array {
    return this.#stdout;
  }

  stderrBytes(): Uint8Array {
    return this.#stderr;
  }
}
