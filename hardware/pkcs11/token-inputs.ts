// What the arguments of the port must look like, checked before any token is asked and before anything is sent to a
// token's process. Callers are our own code; what is caught here is a mistake, and it gets a code instead of a crash.

import type { KeyReference, TokenRecord } from '../key-signer.js';
import { tokenFault } from './token-fault.js';

/** CKM_ECDSA takes a 32-byte digest. */
export const DIGEST_BYTES = 32;
/** CKM_EDDSA takes the message itself, all of it in one call. */
export const LARGEST_MESSAGE_BYTES = 4096;
/** Signatures that one session makes in a row; until then a record waits where there is no other session. */
export const MOST_DIGESTS = 8;
export const LARGEST_RECORD_BYTES = 1024;
const LARGEST_VERSION = 2n ** 64n - 1n;
const LONGEST_LABEL = 255;

/** Faults `key-missing`: what cannot be a key's name names no key. */
export function checkReference(key: KeyReference): void {
  if (key.label.length === 0 || key.label.length > LONGEST_LABEL) {
    throw tokenFault('key-missing', 'a key label has 1 to 255 characters', { length: key.label.length });
  }
  if (key.id !== undefined && !/^([0-9a-f]{2}){1,128}$/.test(key.id)) {
    throw tokenFault('key-missing', 'a key id is lower-case hex, 1 to 128 bytes', { label: key.label });
  }
}

/** Faults `mechanism`. */
export function checkDigest(digest: Uint8Array): void {
  if (digest.length !== DIGEST_BYTES) {
    throw tokenFault('mechanism', 'a digest has 32 bytes', { length: digest.length });
  }
}

/** Faults `mechanism`. */
export function checkMessage(message: Uint8Array): void {
  if (message.length === 0 || message.length > LARGEST_MESSAGE_BYTES) {
    throw tokenFault('mechanism', 'a message has 1 to 4,096 bytes', { length: message.length });
  }
}

/** Faults `record-malformed`. */
export function checkRecordName(name: string): void {
  if (!/^[\x21-\x7e]{1,64}$/.test(name)) {
    throw tokenFault('record-malformed', 'a record name has 1 to 64 printable characters', {
      length: name.length,
    });
  }
}

/** Faults `record-too-large`, `record-malformed`. */
export function checkRecord(name: string, record: TokenRecord): void {
  checkRecordName(name);
  if (record.value.length > LARGEST_RECORD_BYTES) {
    throw tokenFault('record-too-large', 'a record has at most 1,024 bytes', {
      name,
      length: record.value.length,
    });
  }
  if (record.version < 0n || record.version > LARGEST_VERSION) {
    throw tokenFault('record-malformed', 'a record version is an unsigned 64-bit number', { name });
  }
}
