// Framing between orchestrator and signer: a 4-byte big-endian length, then that many bytes of UTF-8 JSON.
// Pure: it is given chunks and gives back messages. A length above the bound is refused before a byte of it is kept.

import { Fault } from '../core/fault.js';

/** Enough for a PSBT of 100 inputs with their full previous transactions, and no more. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
const HEADER_BYTES = 4;

export type FrameFaultCode = 'message-too-large' | 'message-empty' | 'message-truncated';

/** Throws `message-too-large`, `message-empty`. */
export function encodeFrame(body: Uint8Array): Uint8Array {
  checkLength(body.length);
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(frame.buffer).setUint32(0, body.length, false);
  frame.set(body, HEADER_BYTES);
  return frame;
}

function checkLength(length: number): void {
  if (length === 0) throw new Fault<FrameFaultCode>('message-empty', 'a message has no bytes');
  if (length > MAX_MESSAGE_BYTES) {
    throw new Fault<FrameFaultCode>('message-too-large', 'a message is larger than the protocol allows', {
      facts: { bytes: length, limit: MAX_MESSAGE_BYTES },
    });
  }
}

/** Kept for the next message; more than this is given back once a large one has been handed out. */
const KEPT_BYTES = 64 * 1024;

/**
 * Collects the chunks of one connection, in one buffer that grows with what was received, never with what was announced
 * or with the number of chunks. After a throw the connection is beyond repair and is to be closed.
 */
export class FrameReader {
  private buffer = new Uint8Array(0);
  private held = 0;

  /** The complete messages that this chunk finishes, in order. Input is hostile. Throws `message-too-large`, `message-empty`. */
  push(chunk: Uint8Array): Uint8Array[] {
    this.hold(chunk);
    const messages: Uint8Array[] = [];
    let at = 0;
    while (this.held - at >= HEADER_BYTES) {
      const length = new DataView(this.buffer.buffer, at, HEADER_BYTES).getUint32(0, false);
      checkLength(length);
      const end = at + HEADER_BYTES + length;
      if (end > this.held) break;
      messages.push(this.buffer.slice(at + HEADER_BYTES, end));
      at = end;
    }
    if (at > 0) this.release(at);
    return messages;
  }

  /** True when no part of a message is held. */
  isIdle(): boolean {
    return this.held === 0;
  }

  /** To be called when the other side has ended. Throws `message-truncated` when it left in the middle of a message. */
  end(): void {
    if (this.held > 0)
      throw new Fault<FrameFaultCode>('message-truncated', 'the connection ended inside a message');
  }

  private hold(chunk: Uint8Array): void {
    const needed = this.held + chunk.length;
    if (needed > this.buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
      larger.set(this.buffer.subarray(0, this.held));
      this.buffer = larger;
    }
    this.buffer.set(chunk, this.held);
    this.held = needed;
  }

  private release(count: number): void {
    const rest = this.held - count;
    if (rest <= KEPT_BYTES && this.buffer.length > KEPT_BYTES)
      this.buffer = this.buffer.slice(count, this.held);
    else this.buffer.copyWithin(0, count, this.held);
    this.held = rest;
  }
}
