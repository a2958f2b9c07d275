import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { isPrivate, pointFromScalar, privateNegate, sign, signRecoverable } from 'tiny-secp256k1';
import {
  isLowS,
  normaliseLowS,
  publicKeyBytes,
  recoverPublicKey,
  recoveryIdOf,
  verifyDigest,
} from './ecdsa.js';

const ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
const HALF = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0';
const HALF_PLUS_ONE = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1';
const ONE = '1'.padStart(64, '0');
const ZERO = '0'.repeat(64);

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const secret = bytes32.filter((bytes) => isPrivate(bytes));
const signed = fc.record({ secret, digest: bytes32, high: fc.boolean() }).map(({ secret, digest, high }) => {
  const low = sign(digest, secret);
  const token = low.slice();
  if (high) token.set(privateNegate(low.slice(32)), 32);
  const publicKey = bytesToHex(pointFromScalar(secret, true) ?? new Uint8Array(0));
  const { recoveryId } = signRecoverable(digest, secret);
  return { digest, low, token, high, publicKey, recoveryId };
});

describe('signatures from a token', () => {
  it('come out low-s, verified and with their recovery id, whichever s the token gave', () => {
    fc.assert(
      fc.property(signed, ({ digest, low, token, high, publicKey, recoveryId }) => {
        expect(isLowS(token)).toBe(!high);
        const normal = normaliseLowS(token);
        expect(bytesToHex(normal)).toBe(bytesToHex(low));
        expect(normaliseLowS(normal)).toEqual(normal);
        expect(verifyDigest(publicKey, digest, normal)).toBe(true);
        expect(recoveryIdOf(publicKey, digest, normal)).toBe(recoveryId);
      }),
    );
  });

  it('are refused as they are when s is high', () => {
    fc.assert(
      fc.property(
        signed.filter(({ high }) => high),
        ({ digest, token, publicKey }) => {
          expect(verifyDigest(publicKey, digest, token)).toBe(false);
          expect(recoverPublicKey(digest, token, 0)).toBeUndefined();
          expect(() => recoveryIdOf(publicKey, digest, token)).toThrow(
            expect.objectContaining({ code: 'recovery-id-none' }),
          );
        },
      ),
      { numRuns: 20 },
    );
  });

  it('do not verify, and have no recovery id, for another digest, another key or a changed bit', () => {
    fc.assert(
      fc.property(signed, signed, fc.nat(511), (one, other, bit) => {
        fc.pre(one.publicKey !== other.publicKey && bytesToHex(one.digest) !== bytesToHex(other.digest));
        const flipped = one.low.slice();
        const at = Math.floor(bit / 8);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit % 8));
        const wrong: [string, Uint8Array, Uint8Array][] = [
          [other.publicKey, one.digest, one.low],
          [one.publicKey, other.digest, one.low],
          [one.publicKey, one.digest, flipped],
        ];
        for (const [publicKey, digest, rs64] of wrong) {
          expect(verifyDigest(publicKey, digest, rs64)).toBe(false);
          expect(() => recoveryIdOf(publicKey, digest, rs64)).toThrow(
            expect.objectContaining({ code: 'recovery-id-none' }),
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps s at half of the order and flips the next one', () => {
    expect(isLowS(hexToBytes(ONE + HALF))).toBe(true);
    expect(isLowS(hexToBytes(ONE + HALF_PLUS_ONE))).toBe(false);
    expect(bytesToHex(normaliseLowS(hexToBytes(ONE + HALF_PLUS_ONE)))).toBe(ONE + HALF);
  });

  it.each([
    ['63 bytes', `${ONE}${ONE}`.slice(2)],
    ['65 bytes', `${ONE}${ONE}00`],
    ['no bytes', ''],
    ['r of zero', ZERO + ONE],
    ['s of zero', ONE + ZERO],
    ['r of the order', ORDER + ONE],
    ['s of the order', ONE + ORDER],
  ])('refuses a signature with %s', (_, hex) => {
    expect(isLowS(hexToBytes(hex))).toBe(false);
    expect(() => normaliseLowS(hexToBytes(hex))).toThrow(
      expect.objectContaining({ code: 'signature-malformed' }),
    );
  });

  it.each([
    ['upper-case hex', `02${'AB'.repeat(32)}`],
    ['an uncompressed point', `04${'11'.repeat(64)}`],
    ['an x that is on no point', `02${'0'.repeat(63)}5`],
    ['nothing', ''],
  ])('refuses %s as a public key', (_, publicKey) => {
    expect(() => publicKeyBytes(publicKey)).toThrow(
      expect.objectContaining({ code: 'public-key-malformed' }),
    );
    expect(verifyDigest(publicKey, new Uint8Array(32), hexToBytes(ONE + ONE))).toBe(false);
  });

  it('never throws on hostile signatures, digests and keys when it verifies', () => {
    const any = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(any, any, any, (key, digest, rs64) => {
        expect(verifyDigest(bytesToHex(key), digest, rs64)).toBe(false);
        expect(recoverPublicKey(digest.slice(0, 31), rs64, 1)).toBeUndefined();
      }),
    );
  });
});
