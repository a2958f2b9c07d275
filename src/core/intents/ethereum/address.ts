// Ethereum addresses in their checksummed spelling (EIP-55). Other spellings are not repaired: a request carries the
// checksum so that a mistyped or altered digit is noticed.

import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { pointCompress } from 'tiny-secp256k1';
import { accepted, type Outcome, refused } from '../../fault.js';
import { publicKeyBytes } from '../ecdsa.js';

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const ZERO_ADDRESS = `0x${'0'.repeat(40)}`;

/** EIP-55 spelling of the 20 bytes of an address. */
export function checksumAddress(address: Uint8Array): string {
  const digits = bytesToHex(address);
  const hash = bytesToHex(keccak_256(new TextEncoder().encode(digits)));
  return `0x${digits.replace(/[a-f]/g, (digit, at: number) => ((hash[at] ?? '0') >= '8' ? digit.toUpperCase() : digit))}`;
}

/** 20 bytes of `0x` and 40 hex digits, whatever their case. */
function addressBytes(address: string): Uint8Array {
  return Uint8Array.from({ length: 20 }, (_, at) =>
    Number.parseInt(address.slice(2 + at * 2, 4 + at * 2), 16),
  );
}

/**
 * The address itself when it is in its EIP-55 spelling and not zero. Input is hostile. Refuses `destination-invalid`,
 * also for all-lower and all-upper case (but for the few addresses whose checksum is just that).
 */
export function ethereumAddress(text: string): Outcome<string, 'destination-invalid'> {
  const valid = ADDRESS.test(text) && text !== ZERO_ADDRESS && checksumAddress(addressBytes(text)) === text;
  return valid ? accepted(text) : refused('destination-invalid', { destination: text.slice(0, 100) });
}

/** EIP-55 address of a compressed secp256k1 key (lower-case hex). Throws `public-key-malformed`. */
export function addressOfPublicKey(publicKey: string): string {
  const point = pointCompress(publicKeyBytes(publicKey), false);
  return checksumAddress(keccak_256(point.subarray(1)).subarray(12));
}
