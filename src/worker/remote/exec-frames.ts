import { Buffer } from "node:buffer";
import { Failure } from "../../diagnostics/failure.ts";
import type { TerminalSize } from "../worker.ts";
import { sameVersionHint } from "./protocol.ts";

/** First byte of every frame of an exec connection. */
export const execChannel = {
  /** Client, first of all: JSON, see `execOpeningSchema`. */
  opening: 0,
  /** Client: bytes. */
  stdin: 1,
  stdinEnd: 2,
  /** Client: rows and columns, 16 bits each, big-endian. */
  resize: 3,
  /** Client: ends the command; the server answers with an error of category `cancelled`. */
  cancel: 4,
  /** Server: bytes. */
  stdout: 5,
  stderr: 6,
  /** Server, last of all: exit code, 32 bits signed, big-endian. */
  exit: 7,
  /** Server, last of all: JSON of a failure. */
  error: 8,
  /** Either: so many more bytes may be sent, 32 bits, big-endian. */
  credit: 9,
} as const;

export type ExecChannel = (typeof execChannel)[keyof typeof execChannel];

/** Bytes that may be on their way in one direction before the receiver has used them. */
export const execWindowBytes = 1024 * 1024;
/** Larger pieces are cut, so that a resize or an end never waits behind much. */
export const execPieceBytes = 64 * 1024;
/** No frame is larger; an opening with a large environment is the largest. */
export const execFrameLimitBytes = 4 * 1024 * 1024;

export interface ExecFrame {
  readonly channel: number;
  readonly payload: Buffer;
}

export function encodeFrame(channel: ExecChannel, payload: Uint8Array = new Uint8Array()): Buffer {
  return Buffer.concat([Buffer.of(channel), payload]);
}

/** @throws Failure `MalformedRequest` for an empty frame */
export function decodeFrame(frame: Buffer): ExecFrame {
  const channel = frame[0];
  if (channel === undefined) throw malformedFrame("it is empty");
  return { channel, payload: frame.subarray(1) };
}

export function encodeNumber(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** @throws Failure `MalformedRequest` */
export function decodeNumber(payload: Buffer): number {
  if (payload.length !== 4) throw malformedFrame("a number has 4 bytes");
  return payload.readInt32BE();
}

export function encodeSize(size: TerminalSize): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(size.rows, 0);
  bytes.writeUInt16BE(size.columns, 2);
  return bytes;
}

/** @throws Failure `MalformedRequest` */
export function decodeSize(payload: Buffer): TerminalSize {
  if (payload.length !== 4) throw malformedFrame("a terminal size has 4 bytes");
  return { rows: payload.readUInt16BE(0), columns: payload.readUInt16BE(2) };
}

export function* pieces(chunk: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += execPieceBytes) yield chunk.subarray(at, at + execPieceBytes);
}

export function malformedFrame(detail: string): Failure {
  return new Failure({
    code: "MalformedRequest",
    category: "internal",
    message: `a frame of the connection to the worker cannot be read: ${detail}`,
    hint: sameVersionHint,
  });
}
