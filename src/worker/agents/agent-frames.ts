import { Buffer } from "node:buffer";

/** What a frame is; guest-helper/agent-socket.c has the same numbers. */
export const agentFrame = {
  /** The guest's socket is there. */
  listening: 1,
  /** A new connection; the payload names the agent where more than one can be meant. */
  open: 2,
  data: 3,
  /** The sender will send no more data on the connection. */
  end: 4,
  /** The connection is gone; data that was sent before still counts. */
  close: 5,
  /** So many more bytes may be sent on the connection: 32 bits. */
  credit: 6,
} as const;

export type AgentFrameKind = (typeof agentFrame)[keyof typeof agentFrame];

/** Bytes that may be on their way on one connection, each way, before the receiver has used them. */
export const agentWindowBytes = 64 * 1024;
/** Most data in a frame; a sender may overdraw the window by the rest of one piece. */
export const agentPieceBytes = 16 * 1024;
/** Connections at a time; the guest's helper has fewer. */
export const agentConnectionLimit = 128;

const headerBytes = 8;

export interface AgentFrame {
  /** Numbered from 1 by the side that opens them, never twice. */
  readonly connection: number;
  readonly kind: number;
  readonly payload: Buffer;
}

/** A header of 8 bytes, little-endian (connection: 32 bits, size of the payload: 16, kind: 8, unused: 8), and the payload. */
export function encodeAgentFrame(
  connection: number,
  kind: AgentFrameKind,
  payload: Uint8Array = new Uint8Array(),
): Buffer {
  const frame = Buffer.alloc(headerBytes + payload.length);
  frame.writeUInt32LE(connection, 0);
  frame.writeUInt16LE(payload.length, 4);
  frame.writeUInt8(kind, 6);
  frame.set(payload, headerBytes);
  return frame;
}

export function encodeCredit(sizeBytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(sizeBytes);
  return payload;
}

/** Frames out of a stream that is cut anywhere; keeps less than one frame. */
export class AgentFrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Undefined when this is no stream of frames. */
  read(chunk: Uint8Array): readonly AgentFrame[] | undefined {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const frames: AgentFrame[] = [];
    let at = 0;
    while (bytes.length - at >= headerBytes) {
      const sizeBytes = bytes.readUInt16LE(at + 4);
      if (sizeBytes > agentPieceBytes) return undefined;
      const end = at + headerBytes + sizeBytes;
      if (bytes.length < end) break;
      frames.push({
        connection: bytes.readUInt32LE(at),
        kind: bytes.readUInt8(at + 6),
        payload: bytes.subarray(at + headerBytes, end),
      });
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    return frames;
  }
}
