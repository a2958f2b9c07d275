// The digest of what is stored as a statement, whatever it says: to hold it against the name that it has. Untrusted input; nothing of
// it is verified, and its bytes are given to nobody.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { Fault } from '../fault.js';
import { type CanonicalValue, canonicalJson } from './canonical-json.js';
import { statementBytes } from './preimage.js';

function hashOf(bytes: () => Uint8Array): string | undefined {
  try {
    return bytesToHex(sha256(bytes()));
  } catch (error) {
    // What has no canonical form is no statement, so none has this hash.
    if (error instanceof Fault && error.code === 'not-canonical') return undefined;
    throw error;
  }
}

/** SHA-256 in hex of a statement of this type; undefined where it has no canonical form. */
export function claimedDigest(type: string, statement: CanonicalValue): string | undefined {
  return hashOf(() => statementBytes(type, statement));
}

/** SHA-256 in hex of the canonical form itself; undefined where there is none. */
export function canonicalDigest(value: CanonicalValue): string | undefined {
  return hashOf(() => new TextEncoder().encode(canonicalJson(value)));
}
