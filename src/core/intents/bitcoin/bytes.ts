// Bitcoin's wire encoding: a reader that never goes past its end and accepts one encoding of each number, and the
// matching writers. It knows nothing of transactions.

import { Fault } from '../../fault.js';

export type BytesFaultCode = 'bytes-malformed';

export function malformed(reason: string): Fault<BytesFaultCode> {
  return new Fault('bytes-malformed', reason);
}

/** Runs a reader over hostile bytes; the reason as text when they are malformed. Anything else that is thrown is a bug and goes on. */
export function readOrReason<T>(
  read: () => T,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string } {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (error instanceof Fault && error.code === 'bytes-malformed')
      return { ok: false, reason: error.message };
    throw error;
  }
}

/** A cursor over hostile bytes. Every method throws `bytes-malformed` rather than read past the end. Slices share memory. */
export class ByteReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get position(): number {
    return this.at;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** The byte at the cursor, without moving; undefined at the end. */
  peek(): number | undefined {
    return this.bytes[this.at];
  }

  private advance(count: number): number {
    if (count > this.left) throw malformed('unexpected end');
    const from = this.at;
    this.at += count;
    return from;
  }

  take(count: number): Uint8Array {
    const from = this.advance(count);
    return this.bytes.subarray(from, from + count);
  }

  uint8(): number {
    return this.view.getUint8(this.advance(1));
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  uint64(): bigint {
    return this.view.getBigUint64(this.advance(8), true);
  }

  /** A count or length in its shortest encoding. Values of 2^32 and above are never a length here. */
  compactSize(): number {
    const first = this.uint8();
    if (first < 0xfd) return first;
    const [value, least] =
      first === 0xfd
        ? [this.view.getUint16(this.advance(2), true), 0xfd]
        : first === 0xfe
          ? [this.uint32(), 0x1_0000]
          : [0, 1];
    if (value < least) throw malformed('length is not in its shortest encoding');
    return value;
  }

  /** A count of things that take at least `leastBytes` each: more than the rest can hold is refused at once. */
  count(leastBytes: number): number {
    const value = this.compactSize();
    if (value * leastBytes > this.left) throw malformed('more items than bytes');
    return value;
  }

  /** Bytes with their length before them. */
  varBytes(): Uint8Array {
    return this.take(this.compactSize());
  }

  end(): void {
    if (this.left > 0) throw malformed('bytes after the end');
  }
}

export function uint32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

export function uint64Bytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

/** Shortest encoding of a length below 2^32. */
export function compactSizeBytes(value: number): Uint8Array {
  if (value < 0xfd) return Uint8Array.of(value);
  if (value <= 0xffff) return Uint8Array.of(0xfd, value & 0xff, value >>> 8);
  return Uint8Array.of(0xfe, ...uint32Bytes(value));
}
