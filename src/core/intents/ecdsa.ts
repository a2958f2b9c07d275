// secp256k1 signatures as a token gives them: r || s over a 32-byte digest, high s about half of the time.
// It brings them into the one form that both chains relay (low s) and checks them; it is NOT a signer and holds no key.
// Whoever has a faster library for the curve than WebAssembly passes it in; what it is asked is checked here all the same.

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { isPointCompressed, recover, verify } from 'tiny-secp256k1';
import { Fault } from '../fault.js';

export type EcdsaFaultCode = 'signature-malformed' | 'public-key-malformed' | 'recovery-id-none';

/** What a library for secp256k1 (SEC 2) is asked. Lengths are right, the rest may be anything; it never throws. */
export interface Secp256k1 {
  /** Is it a point? 33 bytes, SEC 1 compressed. */
  isPoint(publicKey: Uint8Array): boolean;
  /** 32 bytes of digest, 33 of a compressed key, 64 of r || s. A high s need not verify. */
  verify(digest: Uint8Array, publicKey: Uint8Array, rs64: Uint8Array): boolean;
  /** The compressed key that made the signature; undefined when there is none. */
  recover(digest: Uint8Array, rs64: Uint8Array, yParity: 0 | 1): Uint8Array | undefined;
}

/** libsecp256k1 as WebAssembly: for browsers, for auditors, and where nothing faster is at hand. */
export const portableSecp256k1: Secp256k1 = {
  isPoint: (publicKey) => isPointCompressed(publicKey),
  verify: (digest, publicKey, rs64) => isPointCompressed(publicKey) && verify(digest, publicKey, rs64, true),
  recover: (digest, rs64, yParity) => {
    try {
      return recover(digest, rs64, yParity, true) ?? undefined;
    } catch {
      // The library throws when r is no x coordinate or the key is the point at infinity: there is no such key.
      return undefined;
    }
  },
};

/** Order of the group (SEC 2, §2.4.1). */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const ORDER_BYTES = toBytes32(ORDER);
const HALF_ORDER_BYTES = toBytes32(ORDER / 2n);
const COMPRESSED_KEY = /^0[23][0-9a-f]{64}$/;

/** Big-endian; no bytes are zero. */
export function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x0${bytesToHex(bytes)}`);
}

/** `value` as exactly 32 bytes, big-endian. `value` must be below 2^256. */
function toBytes32(value: bigint): Uint8Array {
  return hexToBytes(value.toString(16).padStart(64, '0'));
}

/** Which of two numbers of equal length is larger: positive for the first, 0 when they are equal. */
function compare(one: Uint8Array, other: Uint8Array): number {
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return at === -1 ? 0 : (one[at] ?? 0) - (other[at] ?? 0);
}

/** From 1 to the order less 1. */
function inRange(scalar: Uint8Array): boolean {
  return scalar.some((byte) => byte !== 0) && compare(scalar, ORDER_BYTES) < 0;
}

/** True for 64 bytes r || s with both in range and s in the lower half (BIP-62 rule 5, EIP-2). Input is hostile. */
export function isLowS(rs64: Uint8Array): boolean {
  if (rs64.length !== 64) return false;
  const s = rs64.subarray(32);
  return inRange(rs64.subarray(0, 32)) && inRange(s) && compare(s, HALF_ORDER_BYTES) <= 0;
}

/**
 * The same signature with s in the lower half; a copy, also when nothing changes. Throws `signature-malformed` for
 * anything that is not 64 bytes with r and s from 1 to the order less 1.
 */
export function normaliseLowS(rs64: Uint8Array): Uint8Array {
  const s = rs64.subarray(32);
  if (rs64.length !== 64 || !inRange(rs64.subarray(0, 32)) || !inRange(s)) {
    throw new Fault<EcdsaFaultCode>('signature-malformed', 'not a 64-byte secp256k1 signature', {
      facts: { bytes: rs64.length },
    });
  }
  const low = rs64.slice();
  if (compare(s, HALF_ORDER_BYTES) > 0) low.set(toBytes32(ORDER - toBigInt(s)), 32);
  return low;
}

/** Bytes of a SEC 1 compressed public key given as lower-case hex. Throws `public-key-malformed` when it is no point. */
export function publicKeyBytes(publicKey: string, curve = portableSecp256k1): Uint8Array {
  const bytes = COMPRESSED_KEY.test(publicKey) ? hexToBytes(publicKey) : undefined;
  if (bytes === undefined || !curve.isPoint(bytes)) {
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
export function verifyDigest(
  publicKey: string,
  digest: Uint8Array,
  rs64: Uint8Array,
  curve = portableSecp256k1,
): boolean {
  if (!COMPRESSED_KEY.test(publicKey) || digest.length !== 32 || !isLowS(rs64)) return false;
  return curve.verify(digest, hexToBytes(publicKey), rs64);
}

/** Compressed key that made a low-s signature, with the given parity of R's y; undefined when there is none. */
export function recoverPublicKey(
  digest: Uint8Array,
  rs64: Uint8Array,
  yParity: 0 | 1,
  curve = portableSecp256k1,
): Uint8Array | undefined {
  if (digest.length !== 32 || !isLowS(rs64)) return undefined;
  return curve.recover(digest, rs64, yParity);
}

/**
 * The parity of R's y: the one of the two under which recovery gives `publicKey` (compressed, lower-case hex). `rs64`
 * must be in low-s form already, since normalising flips the parity. Throws `recovery-id-none` when neither fits, which
 * includes the ids 2 and 3 that Ethereum does not have; `public-key-malformed` when there is no such key.
 */
export function recoveryIdOf(
  publicKey: string,
  digest: Uint8Array,
  rs64: Uint8Array,
  curve = portableSecp256k1,
): 0 | 1 {
  for (const parity of [0, 1] as const) {
    const found = recoverPublicKey(digest, rs64, parity, curve);
    if (found !== undefined && bytesToHex(found) === publicKey) return parity;
  }
  publicKeyBytes(publicKey, curve);
  throw new Fault<EcdsaFaultCode>('recovery-id-none', 'the signature is not by this key over this digest');
}
