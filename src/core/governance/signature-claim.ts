// How a credential's class signs a text: which question of curves its signature comes to.

import { hexToBytes } from '@noble/hashes/utils.js';
import { passkeyClaim } from '../statements/passkey.js';
import type { SignatureClaim } from '../statements/signature.js';
import type { Credential } from './entry.js';

/** r || s, or an Ed25519 signature; no bytes for anything else. */
export function signatureBytes(signature: string): Uint8Array {
  return /^[0-9a-f]{128}$/.test(signature) ? hexToBytes(signature) : new Uint8Array();
}

/** Undefined where no curve has to be asked: it is no signature of this credential's over these bytes. Hostile input. */
export function signatureClaim(
  credential: Credential,
  bytes: Uint8Array,
  signature: string,
): SignatureClaim | undefined {
  if (credential.credentialClass === 'passkey') return passkeyClaim(credential, bytes, signature);
  const plain = signatureBytes(signature);
  return plain.length === 0
    ? undefined
    : {
        kind: credential.algorithm,
        publicKey: hexToBytes(credential.publicKey),
        message: bytes,
        signature: plain,
      };
}
