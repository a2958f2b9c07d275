// Bundles: up to 256 entries in one file, each after its length in two bytes, the higher one first (C2SP tlog-tiles). What an
// entry says is for entry.ts.

import { concatBytes } from '@noble/hashes/utils.js';
import { Fault } from '../fault.js';

/** What two bytes can count. */
export const MOST_ENTRY_BYTES = 65_535;

export type AuditBundleFaultCode = 'audit-entry-too-long';

export function bundleBytes(entries: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...entries.flatMap((entry) => [lengthOf(entry), entry]));
}

function lengthOf({ length }: Uint8Array): Uint8Array {
  if (length > MOST_ENTRY_BYTES) {
    throw new Fault<AuditBundleFaultCode>('audit-entry-too-long', 'an entry has more than 65,535 bytes', {
      facts: { bytes: length },
    });
  }
  return Uint8Array.of(Math.floor(length / 256), length % 256);
}

/** The entries of a bundle of `width`; nothing when the bytes hold fewer, more, or a part of one. Input is hostile. */
export function entriesOf(bytes: Uint8Array, width: number): readonly Uint8Array[] | undefined {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const [high, low] = bytes.subarray(at, at + 2);
    if (high === undefined || low === undefined) return undefined;
    const start = at + 2;
    at = start + high * 256 + low;
    if (at > bytes.length) return undefined;
    entries.push(bytes.subarray(start, at));
  }
  return entries.length === width ? entries : undefined;
}
