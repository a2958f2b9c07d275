import { describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { portableSecp256k1 } from '../core/intents/ecdsa.js';
import { portableVerifier } from '../core/statements/signature.js';
import { nativeSecp256k1 } from '../platform/native-secp256k1.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { knownVectors } from './known-vectors.js';
import { checkVectors } from './self-check.js';

describe('the self-check of published vectors', () => {
  it.each(knownVectors(nativeVerifier, nativeSecp256k1))(
    '$name holds with the native verifiers',
    (vector) => {
      expect(vector.holds()).toBe(true);
    },
  );

  it.each(knownVectors(portableVerifier, portableSecp256k1))(
    '$name holds with the portable verifiers',
    (vector) => {
      expect(vector.holds()).toBe(true);
    },
  );

  it.each([
    ['accepts every signature', { ed25519: () => true, p256: () => true, eip191: () => true }],
    ['accepts none', { ed25519: () => false, p256: () => false, eip191: () => false }],
    ['accepts every P-256 signature', { ...nativeVerifier, p256: () => true }],
    ['accepts every Ed25519 signature', { ...nativeVerifier, ed25519: () => true }],
    ['accepts every personal message', { ...nativeVerifier, eip191: () => true }],
  ])('stops a signer whose verifier %s (vector-failed)', (_title, broken) => {
    let code = 'nothing thrown';
    try {
      checkVectors(broken);
    } catch (error) {
      code = error instanceof Fault ? error.code : 'another error';
    }
    expect(code).toBe('vector-failed');
  });

  it.each([
    ['accepts every signature', { ...nativeSecp256k1, verify: () => true }],
    ['accepts none', { ...nativeSecp256k1, verify: () => false }],
    [
      'recovers the key of the other parity',
      {
        ...nativeSecp256k1,
        recover: (digest: Uint8Array, rs64: Uint8Array, yParity: 0 | 1) =>
          nativeSecp256k1.recover(digest, rs64, yParity === 0 ? 1 : 0),
      },
    ],
  ])('stops a signer whose secp256k1 library %s (vector-failed)', (_title, broken) => {
    expect(() => checkVectors(nativeVerifier, broken)).toThrow(
      expect.objectContaining({ name: 'Fault', code: 'vector-failed' }),
    );
  });
});
