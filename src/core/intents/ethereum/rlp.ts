// RLP as a type-2 transaction needs it: one list of byte strings and lists, in the only encoding that each has. Nested
// lists are handed out as they are, not opened. Ethereum Yellow Paper, appendix B.

import { concatBytes } from '@noble/hashes/utils.js';
import { Fault } from '../../fault.js';

export type RlpFaultCode = 'rlp-malformed';

export interface RlpItem {
  readonly kind: 'bytes' | 'list';
  /** The bytes, or the encoded items of the list. Shares memory with what was read. */
  readonly payload: Uint8Array;
}

function malformed(reason: string): Fault<RlpFaultCode> {
  return new Fault('rlp-malformed', reason);
}

/** Reads a length of `count` bytes that has no leading zero and is above 55, as the long form demands. */
function longLength(bytes: Uint8Array, at: number, count: number): number {
  // Nothing here is longer than two bytes can say; a longer length runs past the end in any case.
  if (count > 2 || at + count > bytes.length) throw malformed('length past the end');
  const length = bytes.subarray(at, at + count).reduce((sum, byte) => sum * 256 + byte, 0);
  if (bytes[at] === 0 || length < 56) throw malformed('length is not in its shortest encoding');
  return length;
}

function readItem(bytes: Uint8Array, at: number): { readonly item: RlpItem; readonly next: number } {
  const first = bytes[at];
  if (first === undefined) throw malformed('unexpected end');
  if (first < 0x80) return { item: { kind: 'bytes', payload: bytes.subarray(at, at + 1) }, next: at + 1 };
  const kind = first < 0xc0 ? 'bytes' : 'list';
  const short = first - (kind === 'bytes' ? 0x80 : 0xc0);
  const lengthBytes = short > 55 ? short - 55 : 0;
  const start = at + 1 + lengthBytes;
  const next = start + (lengthBytes > 0 ? longLength(bytes, at + 1, lengthBytes) : short);
  if (next > bytes.length) throw malformed('item past the end');
  const payload = bytes.subarray(start, next);
  const [single = 0xff] = payload;
  if (kind === 'bytes' && payload.length === 1 && single < 0x80) {
    throw malformed('single byte is not in its shortest encoding');
  }
  return { item: { kind, payload }, next };
}

/** The items of exactly one list that fills `bytes`. Input is hostile. Throws `rlp-malformed`. */
export function readRlpList(bytes: Uint8Array): RlpItem[] {
  const { item: list, next } = readItem(bytes, 0);
  if (list.kind !== 'list') throw malformed('not a list');
  if (next !== bytes.length) throw malformed('bytes after the end');
  const items: RlpItem[] = [];
  for (let at = 0; at < list.payload.length; ) {
    const read = readItem(list.payload, at);
    items.push(read.item);
    at = read.next;
  }
  return items;
}

function withLength(payload: Uint8Array, offset: number): Uint8Array {
  const { length } = payload;
  if (length < 56) return concatBytes(Uint8Array.of(offset + length), payload);
  const lengthBytes = length < 256 ? [length] : [length >>> 8, length & 0xff];
  return concatBytes(Uint8Array.of(offset + 55 + lengthBytes.length, ...lengthBytes), payload);
}

/** Encodes a list of items, together below 64 KiB. */
export function rlpList(items: readonly RlpItem[]): Uint8Array {
  const encoded = items.map(({ kind, payload }) => {
    const [single = 0xff] = payload;
    if (kind === 'bytes' && payload.length === 1 && single < 0x80) return payload;
    return withLength(payload, kind === 'bytes' ? 0x80 : 0xc0);
  });
  return withLength(concatBytes(...encoded), 0xc0);
}
