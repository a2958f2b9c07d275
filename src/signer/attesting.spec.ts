// The key by which the signer vouches, on tokens that hold something else than governance says.

import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { KeyDescription, KeySigner } from '../../hardware/key-signer.js';
import { Fault } from '../core/fault.js';
import type { AttestationKey } from '../core/governance/entry.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { attest, checkAttestationKey } from './attesting.js';

function pair() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex');
  return { point, privateKey };
}
const own = pair();
const other = pair();
const BYTES = new TextEncoder().encode('portcullis/void/v1\n{}');
const key: AttestationKey = {
  token: 'treasury',
  label: 'attestation',
  algorithm: 'p256',
  publicKey: own.point,
};
const honest: KeyDescription = {
  label: 'attestation',
  curve: 'p256',
  publicKey: own.point,
  unextractable: true,
  bornInToken: true,
} as KeyDescription;

/** A token that describes its key so and signs whatever it is given, as a token that signs the bytes' digest would. */
function tokenWith(description: Partial<KeyDescription>, by = own): KeySigner {
  const token: Pick<KeySigner, 'describeKey' | 'signDigest'> = {
    describeKey: async () => ({ ...honest, ...description }),
    signDigest: async () =>
      new Uint8Array(sign('sha256', BYTES, { key: by.privateKey, dsaEncoding: 'ieee-p1363' })),
  };
  return token as KeySigner;
}

function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'passed',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );
}

const on = (signer: KeySigner, name = 'treasury') => new Map([[name, { signer, serial: '1' }]]);
const accepting = { ...nativeVerifier, p256: () => true };

describe("the signer's own key", () => {
  it('vouches for bytes with a signature that verifies', async () => {
    const signature = await attest(BYTES, key, on(tokenWith({})), nativeVerifier);
    expect(nativeVerifier.p256(Buffer.from(own.point, 'hex'), BYTES, Buffer.from(signature, 'hex'))).toBe(
      true,
    );
  });

  it('lets nothing out that does not verify (key-does-not-sign)', async () => {
    expect(await codeOf(attest(BYTES, key, on(tokenWith({}, other)), nativeVerifier))).toBe(
      'key-does-not-sign',
    );
  });

  it('is on a token that is configured (token-unknown)', async () => {
    expect(await codeOf(attest(BYTES, key, on(tokenWith({}), 'safu'), nativeVerifier))).toBe('token-unknown');
  });

  it.each<[string, string, Partial<KeyDescription>]>([
    ['passed', 'it is what governance says', {}],
    ['key-other-curve', 'it is of another curve', { curve: 'secp256k1' }],
    ['key-other-curve', 'it signs messages', { curve: 'ed25519' }],
    ['key-other-public-key', 'it is another key', { publicKey: other.point }],
    ['key-extractable', 'the token would reveal it', { unextractable: false }],
    ['key-not-born-in-token', 'it was brought from outside', { bornInToken: false }],
  ])('is looked at before anything is served: %s when %s', async (code, _, description) => {
    expect(await codeOf(checkAttestationKey(key, on(tokenWith(description)), accepting))).toBe(code);
  });

  it('has to sign once before anything is served (key-does-not-sign)', async () => {
    expect(await codeOf(checkAttestationKey(key, on(tokenWith({})), nativeVerifier))).toBe(
      'key-does-not-sign',
    );
  });
});
