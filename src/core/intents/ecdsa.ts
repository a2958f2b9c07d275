// secp256k1 signatures as a token gives them: r || s over a 32-byte digest, high s about half of the time.
// It brings them into the one form that both chains relay (low s) and checks them; it is NOT a signer and holds no key.

import { hexToBytes } from '@noble/hashes/utils.js';
import { isPointCompressed, recover, verify } from 'tiny-secp256k1';
import { Fault } from '../fault.js';

export type EcdsaFaultCode = 'signature-malformed' | 'public-key-malformed' | 'recovery-id-none';

/** Order of the group (SEC 2, §2.4.1). */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const HALF_ORDER = ORDER / 2n;
const COMPRESSED_KEY = /^0[23][0-9a-f]{64}$/;

export function toBigInt(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/** `value` as exactly 32 bytes, big-endian. `value` must be below 2^256. */
function toBytes32(value: bigint): Uint8Array {
  return hexToBytes(value.toString(16).padStart(64, '0'));
}

function inRange(scalar: bigint): boolean {
  return scalar > 0n && scalar < ORDER;
}

/** True for 64 bytes r || s with both in range and s in the lower half (BIP-62 rule 5, EIP-2). Input is hostile. */
export function isLowS(rs64: Uint8Array): boolean {
  if (rs64.length !== 64) return false;
  const s = toBigInt(rs64.subarray(32));
  return inRange(toBigInt(rs64.subarray(0, 32))) && s > 0n && s <= HALF_ORDER;
}

/**
 * The same signature with s in the lower half; a copy, also when nothing changes. Throws `signature-malformed` for
 * anything that is not 64 bytes with r and s from 1 to the order less 1.
 */
export function normaliseLowS(rs64: Uint8Array): Uint8Array {
  const s = toBigInt(rs64.subarray(32));
  if (rs64.length !== 64 || !inRange(toBigInt(rs64.subarray(0, 32))) || !inRange(s)) {
    throw new Fault<EcdsaFaultCode>('signature-malformed', 'not a 64-byte secp256k1 signature', {
      facts: { bytes: rs64.length },
    });
  }
  const low = rs64.slice();
  if (s > HALF_ORDER) low.set(toBytes32(ORDER - s), 32);
  return low;
}

/** Bytes of a SEC 1 compressed public key given as lower-case hex. Throws `public-key-malformed` when it is no point. */
export function publicKeyBytes(publicKey: string): Uint8Array {
  const bytes = COMPRESSED_KEY.test(publicKey) ? hexToBytes(publicKey) : undefined;
  if (bytes === undefined || !isPointCompressed(bytes)) {
    throw new Fault<EcdsaFaultCode>('public-key-malformed', 'not a compressed secp256k1 public key', {
      facts: { publicKey: publicKey.slice(0, 66) },
    });
  }
  return bytes;
}

/**
 * Whether `rs64` (low s only) signs the 32-byte `digest` under the compressed public key (lower-case hex). All inputs
 * are hostile: malformed ones are `false`, never a throw.
 */
export function verifyDigest(publicKey: string, digest: Uint8Array, rs64: Uint8Array): boolean {
  if (!COMPRESSED_KEY.test(publicKey) || digest.length !== 32 || !isLowS(rs64)) return false;
  const key = hexToBytes(publicKey);
  return isPointCompressed(key) && verify(digest, key, rs64, true);
}

/** Compressed key that made a low-s signature, with the given parity of R's y; undefined when there is none. */
export function recoverPublicKey(
  digest: Uint8Array,
  rs64: Uint8Array,
  yParity: 0 | 1,
): Uint8Array | undefined {
  if (digest.length !== 32 || !isLowS(rs64)) return undefined;
  try {
    return recover(digest, rs64, yParity, true) ?? undefined;
  } catch {
    // The library throws when r is no x coordinate or the key is the point at infinity: there is no such key.
    return undefined;
  }
}

/**
 * The parity of R's y: the one of the two under which recovery gives `publicKey` (compressed, lower-case hex). `rs64`
 * must be in low-s form already, since normalising flips the parity. Throws `recovery-id-none` when neither fits, which
 * includes the ids 2 and 3 that Ethereum does not have.
 */
export function recoveryIdOf(publicKey: string, digest: Uint8Array, rs64: Uint8Array): 0 | 1 {
  const expected = publicKeyBytes(publicKey);
  for (const parity of [0, 1] as const) {
    const found = recoverPublicKey(digest, rs64, parity);
    if (found?.every((byte, at) => byte === expected[at])) return parity;
  }
  throw new Fault<EcdsaFaultCode>('recovery-id-none', 'the signature is not by this key over this digest');
}
