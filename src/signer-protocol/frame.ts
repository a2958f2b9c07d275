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

/** Collects the chunks of one connection. After a throw the connection is beyond repair and is to be closed. */
export class FrameReader {
  private chunks: Uint8Array[] = [];
  private held = 0;

  /** The complete messages that this chunk finishes, in order. Input is hostile. Throws `message-too-large`, `message-empty`. */
  push(chunk: Uint8Array): Uint8Array[] {
    this.chunks.push(chunk);
    this.held += chunk.length;
    const messages: Uint8Array[] = [];
    for (let message = this.next(); message !== undefined; message = this.next()) messages.push(message);
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

  private next(): Uint8Array | undefined {
    if (this.held < HEADER_BYTES) return undefined;
    const header = this.take(HEADER_BYTES, false);
    const length = new DataView(header.buffer, header.byteOffset, HEADER_BYTES).getUint32(0, false);
    checkLength(length);
    if (this.held < HEADER_BYTES + length) return undefined;
    this.take(HEADER_BYTES, true);
    return this.take(length, true);
  }

  /** The first `count` bytes held, joined only when they are all there. */
  private take(count: number, remove: boolean): Uint8Array {
    const [first] = this.chunks;
    if (first === undefined || first.length < count) this.chunks = [join(this.chunks, this.held)];
    const joined = this.chunks[0] ?? new Uint8Array(0);
    const taken = joined.subarray(0, count);
    if (remove) {
      this.held -= count;
      if (joined.length === count) this.chunks.shift();
      else this.chunks[0] = joined.subarray(count);
    }
    return taken;
  }
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}
