// Verifying signatures over statements. The algorithms are fixed by the kind of key; nothing in a message chooses one.
// `portableVerifier` is plain JavaScript for browsers and auditors; programs on Node.js pass in the native one.

import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { isLowS, portableSecp256k1, type Secp256k1 } from '../intents/ecdsa.js';

/** Hostile inputs; `false` for anything that is not a valid signature, never a throw. */
export interface SignatureVerifier {
  /** RFC 8032 Ed25519 over the message itself. `publicKey` is 32 bytes, `signature` 64. */
  ed25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** ECDSA P-256 over SHA-256 of the message (FIPS 186-5). `publicKey` is a 65-byte point, `signature` r || s; high s is as good as low. */
  p256(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /**
   * ECDSA secp256k1 over the personal-message digest of EIP-191 (version 0x45): what devices with a display of their own sign
   * after they have shown the message. `publicKey` is a compressed point, `signature` r || s with a low s.
   */
  eip191(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** keccak256 over the prefix, the message's length in decimal digits, and the message. */
export function personalMessageDigest(message: Uint8Array): Uint8Array {
  return keccak_256(concatBytes(utf8ToBytes(`\u0019Ethereum Signed Message:\n${message.length}`), message));
}

/** `eip191` by a given curve. */
export function verifyPersonalMessage(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  curve: Secp256k1,
): boolean {
  return (
    publicKey.length === 33 &&
    signature.length === 64 &&
    orFalse(() => isLowS(signature) && curve.verify(personalMessageDigest(message), publicKey, signature))
  );
}

/** One question to a verifier. */
export interface SignatureClaim {
  readonly kind: keyof SignatureVerifier;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

function orFalse(verify: () => boolean): boolean {
  try {
    return verify();
  } catch {
    // The libraries throw for malformed keys and signatures; for a verifier that is the same as "not valid".
    return false;
  }
}

export const portableVerifier: SignatureVerifier = {
  ed25519: (publicKey, message, signature) =>
    orFalse(() => ed25519.verify(signature, message, publicKey, { zip215: false })),
  p256: (publicKey, message, signature) =>
    orFalse(() =>
      p256.verify(signature, message, publicKey, { prehash: true, lowS: false, format: 'compact' }),
    ),
  eip191: (publicKey, message, signature) =>
    verifyPersonalMessage(publicKey, message, signature, portableSecp256k1),
};
