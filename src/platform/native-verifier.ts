// Statement signatures verified by Node.js's own OpenSSL: an order of magnitude faster than plain JavaScript.
// Same contract and same test vectors as the portable one in core.

import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  type SignatureClaim,
  type SignatureVerifier,
  verifyPersonalMessage,
} from '../core/statements/signature.js';
import { nativeSecp256k1 } from './native-secp256k1.js';

// DER prefixes of SubjectPublicKeyInfo: RFC 8410 §4 for Ed25519, RFC 5480 §2 for a P-256 point.
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const P256_SPKI = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const REMEMBERED_KEYS = 1_000;

/** Parsed keys, since parsing costs more than half of a verification. Oldest go first when the bound is reached. */
const parsed = new Map<string, KeyObject>();

function keyFrom(prefix: Buffer, publicKey: Uint8Array): KeyObject {
  const spki = Buffer.concat([prefix, publicKey]);
  const name = spki.toString('base64');
  const known = parsed.get(name);
  if (known) return known;
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  if (parsed.size >= REMEMBERED_KEYS) {
    const oldest = parsed.keys().next();
    if (!oldest.done) parsed.delete(oldest.value);
  }
  parsed.set(name, key);
  return key;
}

/** An INTEGER of DER (X.690 §8.3) from 32 bytes that hold no sign. */
function derInteger(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const magnitude = bytes.subarray(start);
  const sign = (magnitude[0] ?? 0) < 0x80 ? [] : [0];
  return Buffer.from([2, sign.length + magnitude.length, ...sign, ...magnitude]);
}

/** ECDSA-Sig-Value (RFC 3279 §2.2.3) from r || s. That Node.js takes r || s as it is costs half a verification more. */
function derSignature(rs64: Uint8Array): Buffer {
  const r = derInteger(rs64.subarray(0, 32));
  const s = derInteger(rs64.subarray(32));
  return Buffer.concat([Buffer.from([0x30, r.length + s.length]), r, s]);
}

/** What OpenSSL verifies; it knows no keccak. */
type OpenSslKind = 'ed25519' | 'p256';

interface Prepared {
  readonly algorithm: 'sha256' | null;
  readonly key: KeyObject;
  readonly signature: Uint8Array;
}

/** Undefined for what is no key, or no signature, of that kind. */
function prepared(kind: OpenSslKind, publicKey: Uint8Array, signature: Uint8Array): Prepared | undefined {
  if (signature.length !== 64) return undefined;
  try {
    if (kind === 'ed25519') {
      return publicKey.length === 32
        ? { algorithm: null, key: keyFrom(ED25519_SPKI, publicKey), signature }
        : undefined;
    }
    return publicKey.length === 65 && publicKey[0] === 4
      ? { algorithm: 'sha256', key: keyFrom(P256_SPKI, publicKey), signature: derSignature(signature) }
      : undefined;
  } catch {
    // OpenSSL throws for malformed keys; for a verifier that is the same as "not valid".
    return undefined;
  }
}

function verifies({
  kind,
  publicKey,
  message,
  signature,
}: SignatureClaim & { readonly kind: OpenSslKind }): boolean {
  const how = prepared(kind, publicKey, signature);
  try {
    return how !== undefined && verify(how.algorithm, message, how.key, how.signature);
  } catch {
    return false;
  }
}

export const nativeVerifier: SignatureVerifier = {
  ed25519: (publicKey, message, signature) => verifies({ kind: 'ed25519', publicKey, message, signature }),
  p256: (publicKey, message, signature) => verifies({ kind: 'p256', publicKey, message, signature }),
  eip191: (publicKey, message, signature) =>
    verifyPersonalMessage(publicKey, message, signature, nativeSecp256k1),
};
