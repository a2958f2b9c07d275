// The two spellings of an ECDSA signature over P-256: (r, s) and (r, order - s) verify alike (FIPS 186-5). Where a text must have one
// spelling, s is in the lower half. It verifies nothing.

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';

/** FIPS 186-5, NIST SP 800-186 §3.2.1.3. */
export const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF_ORDER = P256_ORDER / 2n;
const HALF_ORDER_HEX = HALF_ORDER.toString(16);

/** Of r || s in lower-case hex, 128 digits. Input is hostile. */
export function isLowP256(signature: string): boolean {
  return signature.slice(64) <= HALF_ORDER_HEX;
}

/** r || s of two numbers, with s in the lower half; both are from 1 to the order less 1. */
export function lowP256(r: bigint, s: bigint): Uint8Array {
  const low = s > HALF_ORDER ? P256_ORDER - s : s;
  return hexToBytes([r, low].map((value) => value.toString(16).padStart(64, '0')).join(''));
}

/** The same signature with s in the lower half. 64 bytes r || s that verify. */
export function normaliseP256(rs64: Uint8Array): Uint8Array {
  const hex = bytesToHex(rs64);
  return lowP256(BigInt(`0x${hex.slice(0, 64)}`), BigInt(`0x${hex.slice(64)}`));
}
