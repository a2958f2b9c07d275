// The machine code and the WebAssembly of libsecp256k1 answer alike, to good signatures and to hostile ones.

import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { isPrivate, pointFromScalar, privateNegate, sign, signRecoverable } from 'tiny-secp256k1';
import { portableSecp256k1, recoveryIdOf, verifyDigest } from '../core/intents/ecdsa.js';
import { isSecp256k1Native, nativeSecp256k1 } from './native-secp256k1.js';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const bytes33 = fc.uint8Array({ minLength: 33, maxLength: 33 });
const bytes64 = fc.uint8Array({ minLength: 64, maxLength: 64 });
const signed = fc
  .record({ secret: bytes32.filter((bytes) => isPrivate(bytes)), digest: bytes32 })
  .map(({ secret, digest }) => ({
    digest,
    rs64: sign(digest, secret),
    publicKey: pointFromScalar(secret, true) ?? new Uint8Array(0),
    recoveryId: signRecoverable(digest, secret).recoveryId,
  }));

/** Everything that the two are asked, side by side. */
function answers(
  curve: typeof portableSecp256k1,
  digest: Uint8Array,
  publicKey: Uint8Array,
  rs64: Uint8Array,
) {
  return {
    isPoint: curve.isPoint(publicKey),
    verifies: curve.verify(digest, publicKey, rs64),
    recovered: ([0, 1] as const)
      .map((yParity) => curve.recover(digest, rs64, yParity))
      .map((key) => key && bytesToHex(key)),
  };
}

function same(digest: Uint8Array, publicKey: Uint8Array, rs64: Uint8Array) {
  const native = answers(nativeSecp256k1, digest, publicKey, rs64);
  expect(native).toEqual(answers(portableSecp256k1, digest, publicKey, rs64));
  return native;
}

describe('libsecp256k1 as machine code', () => {
  it('is what this machine has', () => {
    expect(isSecp256k1Native).toBe(process.platform === 'linux' && process.arch === 'x64');
  });

  it('accepts signatures and finds who made them', () => {
    fc.assert(
      fc.property(signed, ({ digest, rs64, publicKey, recoveryId }) => {
        expect(same(digest, publicKey, rs64)).toMatchObject({ isPoint: true, verifies: true });
        expect(verifyDigest(bytesToHex(publicKey), digest, rs64, nativeSecp256k1)).toBe(true);
        expect(recoveryIdOf(bytesToHex(publicKey), digest, rs64, nativeSecp256k1)).toBe(recoveryId);
      }),
      { numRuns: 50 },
    );
  });

  it('refuses another digest, another key and a changed bit, as the WebAssembly does', () => {
    fc.assert(
      fc.property(signed, signed, fc.nat(511), (one, other, bit) => {
        fc.pre(bytesToHex(one.digest) !== bytesToHex(other.digest));
        fc.pre(bytesToHex(one.publicKey) !== bytesToHex(other.publicKey));
        const flipped = one.rs64.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(same(other.digest, one.publicKey, one.rs64).verifies).toBe(false);
        expect(same(one.digest, other.publicKey, one.rs64).verifies).toBe(false);
        expect(same(one.digest, one.publicKey, flipped).verifies).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a high s, whoever asks for it', () => {
    fc.assert(
      fc.property(signed, ({ digest, rs64, publicKey }) => {
        const high = rs64.slice();
        high.set(privateNegate(rs64.slice(32)), 32);
        expect(verifyDigest(bytesToHex(publicKey), digest, high, nativeSecp256k1)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it('answers alike to keys, digests and signatures that are nothing at all, without a throw', () => {
    const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
    const edges = ['00'.repeat(32), `${'00'.repeat(31)}01`, order, 'ff'.repeat(32)].map((hex) =>
      Buffer.from(hex, 'hex'),
    );
    for (const r of edges) {
      for (const s of edges) {
        same(new Uint8Array(32), Buffer.from(`02${'00'.repeat(31)}05`, 'hex'), Uint8Array.from([...r, ...s]));
      }
    }
    fc.assert(
      fc.property(bytes32, bytes33, bytes64, (digest, publicKey, rs64) => void same(digest, publicKey, rs64)),
    );
  });
});
