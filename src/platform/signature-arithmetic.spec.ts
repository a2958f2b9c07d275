import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { SignatureClaim, SignatureVerifier } from '../core/statements/signature.js';
import { nativeVerifier } from './native-verifier.js';
import { knowing, verifies } from './signature-arithmetic.js';

const [message, other] = ['{"a":1}', '{"a":2}'].map((text) => new TextEncoder().encode(text)) as [
  Uint8Array,
  Uint8Array,
];
const officer = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const backend = generateKeyPairSync('ed25519');
const approval = sign('sha256', message, { key: officer.privateKey, dsaEncoding: 'ieee-p1363' });
const request = sign(null, message, backend.privateKey);
const keys = [
  officer.publicKey.export({ format: 'der', type: 'spki' }).subarray(-65),
  backend.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
  new Uint8Array(65).fill(4),
  new Uint8Array(0),
];
const signatures = [approval, request, new Uint8Array(64).fill(7), new Uint8Array(3)];

/** Every key with every signature over both messages, as both kinds: few are valid. */
const everything: SignatureClaim[] = (['ed25519', 'p256'] as const).flatMap((kind) =>
  keys.flatMap((publicKey) =>
    signatures.flatMap((signature) =>
      [message, other].map((said) => ({ kind, publicKey, message: said, signature })),
    ),
  ),
);
const answersOf = (verifier: SignatureVerifier) => everything.map((claim) => verifies(claim, verifier));

describe('a verifier that has looked ahead', () => {
  it.each([
    ['everything', everything],
    ['everything, the other way round', everything.toReversed()],
    ['nothing', []],
    ['what is valid', everything.filter((claim) => verifies(claim))],
    ['what is not', everything.filter((claim) => !verifies(claim))],
  ])('at %s says of each what one says that has not', (_what, claims) => {
    const answers = answersOf(
      knowing(
        claims,
        claims.map((claim) => verifies(claim)),
      ),
    );
    expect(answers).toEqual(answersOf(nativeVerifier));
    expect(answers.filter(Boolean)).toHaveLength(2);
  });

  it('looks itself at what it was told nothing of', () => {
    expect(answersOf(knowing(everything, []))).toEqual(answersOf(nativeVerifier));
  });
});
