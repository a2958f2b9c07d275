import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { portableVerifier } from '../core/statements/signature.js';
import { nativeVerifier } from './native-verifier.js';

const message = new TextEncoder().encode('portcullis/approve/v1\n{"a":1}');

function p256Pair() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { point: publicKey.export({ format: 'der', type: 'spki' }).subarray(-65), privateKey };
}

function ed25519Pair() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { raw: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32), privateKey };
}

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

describe.each([
  ['portable', portableVerifier],
  ['native', nativeVerifier],
])('the %s statement verifier', (_name, verifier) => {
  // RFC 8032 §7.1, TEST 2.
  it('accepts the vector of RFC 8032', () => {
    const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
    expect(
      verifier.ed25519(
        bytes('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'),
        bytes('72'),
        bytes(
          '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
        ),
      ),
    ).toBe(true);
  });

  it('accepts P-256 signatures with low and with high s, since tokens give both', () => {
    const { point, privateKey } = p256Pair();
    const signature = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
    const flipped = Buffer.concat([
      signature.subarray(0, 32),
      Buffer.from((P256_ORDER - s).toString(16).padStart(64, '0'), 'hex'),
    ]);
    expect(verifier.p256(point, message, signature)).toBe(true);
    expect(verifier.p256(point, message, flipped)).toBe(true);
  });

  it('accepts P-256 signatures whose halves begin with zeros or ones, whatever they have to become inside', () => {
    const { point, privateKey } = p256Pair();
    const kinds = new Map([
      ['r begins with a zero byte', (bytes: Buffer) => bytes[0] === 0],
      ['s begins with a zero byte', (bytes: Buffer) => bytes[32] === 0],
      ['r begins with a one', (bytes: Buffer) => (bytes[0] ?? 0) >= 0x80],
      ['s begins with a one', (bytes: Buffer) => (bytes[32] ?? 0) >= 0x80],
    ]);
    for (let tries = 0; tries < 20_000 && kinds.size > 0; tries++) {
      const signature = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      const found = [...kinds].filter(([, isKind]) => isKind(signature)).map(([name]) => name);
      for (const name of found) kinds.delete(name);
      if (found.length > 0) expect(verifier.p256(point, message, signature)).toBe(true);
    }
    expect([...kinds.keys()]).toEqual([]);
  });

  it('refuses every signature with one bit changed, and every message with one bit changed', () => {
    const officer = p256Pair();
    const backend = ed25519Pair();
    const approvalSignature = sign('sha256', message, { key: officer.privateKey, dsaEncoding: 'ieee-p1363' });
    const requestSignature = sign(null, message, backend.privateKey);
    for (let position = 0; position < 64; position++) {
      const flip = (bytes: Uint8Array, at: number) =>
        bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
      expect(verifier.p256(officer.point, message, flip(approvalSignature, position))).toBe(false);
      expect(verifier.ed25519(backend.raw, message, flip(requestSignature, position))).toBe(false);
      const other = flip(message, position % message.length);
      expect(verifier.p256(officer.point, other, approvalSignature)).toBe(false);
      expect(verifier.ed25519(backend.raw, other, requestSignature)).toBe(false);
    }
  });

  it('refuses malformed keys and signatures without throwing', () => {
    const { point } = p256Pair();
    for (const length of [0, 1, 31, 32, 33, 63, 65, 200]) {
      const junk = new Uint8Array(length).fill(7);
      expect(verifier.ed25519(junk, message, new Uint8Array(64))).toBe(false);
      expect(verifier.p256(junk, message, new Uint8Array(64).fill(1))).toBe(false);
      expect(verifier.p256(point, message, junk)).toBe(false);
    }
    expect(verifier.p256(point, message, new Uint8Array(64))).toBe(false);
    expect(verifier.p256(point, message, new Uint8Array(64).fill(255))).toBe(false);
    expect(verifier.ed25519(new Uint8Array(32), message, new Uint8Array(64))).toBe(false);
  });
});
