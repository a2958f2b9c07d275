// The bytes of a record as they lie on a token: version, value and a checksum. Pure but for the hash.
//
// The checksum finds a value that was cut short or stored under another name. It is no signature: who has the PIN can
// write records.

import { createHash } from 'node:crypto';
import type { TokenRecord } from '../key-signer.js';
import { tokenFault } from './token-fault.js';
import { checkRecord, LARGEST_RECORD_BYTES } from './token-inputs.js';

const VERSION_BYTES = 8;
const CHECKSUM_BYTES = 16;
const CHECKSUM_DOMAIN = 'portcullis/token-record/1\0';

/** version (8 bytes, big-endian) || value || the first 16 bytes of SHA-256 over domain, name, version and value. */
export function encodeRecord(name: string, record: TokenRecord): Buffer {
  checkRecord(name, record);
  const body = Buffer.alloc(VERSION_BYTES + record.value.length);
  body.writeBigUInt64BE(record.version);
  body.set(record.value, VERSION_BYTES);
  return Buffer.concat([body, checksum(name, body)]);
}

/** The reverse. Input is what the token holds, possibly half-written. Faults `record-malformed`. */
export function decodeRecord(name: string, stored: Uint8Array): TokenRecord {
  const bodyBytes = stored.length - CHECKSUM_BYTES;
  const body = Buffer.from(stored.subarray(0, Math.max(bodyBytes, 0)));
  if (
    bodyBytes < VERSION_BYTES ||
    bodyBytes > VERSION_BYTES + LARGEST_RECORD_BYTES ||
    !checksum(name, body).equals(stored.subarray(bodyBytes))
  ) {
    throw tokenFault('record-malformed', 'a record on the token is damaged', { name, length: stored.length });
  }
  return { version: body.readBigUInt64BE(), value: Uint8Array.from(body.subarray(VERSION_BYTES)) };
}

function checksum(name: string, body: Buffer): Buffer {
  const hash = createHash('sha256').update(CHECKSUM_DOMAIN).update(`${name}\0`).update(body);
  return hash.digest().subarray(0, CHECKSUM_BYTES);
}
