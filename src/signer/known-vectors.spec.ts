import { describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { portableVerifier } from '../core/statements/signature.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { knownVectors } from './known-vectors.js';
import { checkVectors } from './self-check.js';

describe('the self-check of published vectors', () => {
  it.each(knownVectors(nativeVerifier))('$name holds with the native verifier', (vector) => {
    expect(vector.holds()).toBe(true);
  });

  it.each(knownVectors(portableVerifier))('$name holds with the portable verifier', (vector) => {
    expect(vector.holds()).toBe(true);
  });

  it.each([
    ['accepts every signature', { ed25519: () => true, p256: () => true }],
    ['accepts none', { ed25519: () => false, p256: () => false }],
    ['accepts every P-256 signature', { ...nativeVerifier, p256: () => true }],
    ['accepts every Ed25519 signature', { ...nativeVerifier, ed25519: () => true }],
  ])('stops a signer whose verifier %s (vector-failed)', (_title, broken) => {
    let code = 'nothing thrown';
    try {
      checkVectors(broken);
    } catch (error) {
      code = error instanceof Fault ? error.code : 'another error';
    }
    expect(code).toBe('vector-failed');
  });
});
