// The last step of a Bitcoin transaction alone, on tokens that misbehave: one bad signature among several, and nothing leaves.

import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { KeySigner } from '../../hardware/key-signer.js';
import type { DigestToSign } from '../core/authorization/decode-order.js';
import { readUnsignedBitcoin, type UnsignedBitcoin } from '../core/intents/bitcoin/decode.js';
import { draftOf, psbtOf, testKey, tokenSignature } from '../core/intents/bitcoin/psbt.fixture.js';
import { ownArithmetic } from '../platform/signature-arithmetic.js';
import { signTransaction } from './signing.js';

const own = testKey('own');
const other = testKey('other');
const coins = [60_000n, 70_000n, 80_000n].map((sats) => ({ script: own.script, sats }));
const base64 = psbtOf(draftOf(coins, [{ script: other.script, sats: 209_000n }]));
const unsigned = read();
const toSign: DigestToSign[] = unsigned.sighashes.map((digest) => ({
  key: { label: 'hot-btc-0', publicKey: own.publicKey },
  digest,
}));
const [, second = new Uint8Array(32)] = unsigned.sighashes;

function read(): UnsignedBitcoin {
  const outcome = readUnsignedBitcoin(base64);
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return outcome.value;
}

/** Honest but for the second input, which it signs as told. */
function tokenThat(sign: (digest: Uint8Array) => Uint8Array): KeySigner {
  const token: Pick<KeySigner, 'signDigest'> = {
    signDigest: async (_key, digest) =>
      bytesToHex(digest) === bytesToHex(second) ? sign(digest) : tokenSignature(own, digest, false),
  };
  return token as KeySigner;
}

describe.each([
  ['as it was read before', unsigned],
  ['read from its text', undefined],
])('signatures over a transaction %s', (_title, known) => {
  const signed = (token: KeySigner) =>
    signTransaction(token, { kind: 'psbt', base64 }, toSign, ownArithmetic, known);

  it.each([false, true])('leave as a transaction when all verify, whichever s one has', async (highS) => {
    const { transactionId } = await signed(tokenThat((digest) => tokenSignature(own, digest, highS)));
    expect(transactionId).toBe(unsigned.transactionId);
  });

  it.each<[string, string, (digest: Uint8Array) => Uint8Array]>([
    ['signature-invalid', 'another key made one', (digest) => tokenSignature(other, digest, false)],
    [
      'signature-invalid',
      'one is over another input',
      () => tokenSignature(own, unsigned.sighashes[0] ?? second, false),
    ],
    [
      'signature-invalid',
      'a bit of one is changed',
      (digest) => tokenSignature(own, digest, false).map((byte, at) => (at === 20 ? byte ^ 1 : byte)),
    ],
    ['signature-malformed', 'one is all zeros', () => new Uint8Array(64)],
    ['signature-malformed', 'one is short', (digest) => tokenSignature(own, digest, false).slice(1)],
  ])('stay in the process with %s when %s', async (code, _, sign) => {
    await expect(signed(tokenThat(sign))).rejects.toMatchObject({ name: 'Fault', code });
  });
});
