// The last step alone, on tokens that misbehave. That real ones do not is under test with SoftHSM.

import { describe, expect, it } from '@jest/globals';
import { hexToBytes } from '@noble/hashes/utils.js';
import type { KeySigner } from '../../hardware/key-signer.js';
import type { DigestToSign } from '../core/authorization/decode-order.js';
import type { UnsignedTransaction } from '../core/authorization/signing-order.js';
import { Fault } from '../core/fault.js';
import {
  NATIVE,
  PUBLIC_KEY,
  signingHash,
  tokenSignature,
  unsignedHex,
} from '../core/intents/ethereum/transaction.fixture.js';
import { ownArithmetic } from '../platform/signature-arithmetic.js';
import { signTransaction } from './signing.js';

const OTHER_SECRET = hexToBytes('11'.repeat(32));
const hex = unsignedHex(NATIVE);
const transaction: UnsignedTransaction = { kind: 'eip1559', hex };
const item: DigestToSign = { key: { label: 'hot-eth-0', publicKey: PUBLIC_KEY }, digest: signingHash(hex) };

function tokenThat(sign: (digest: Uint8Array) => Uint8Array): KeySigner {
  const token: Pick<KeySigner, 'signDigest'> = { signDigest: async (_key, digest) => sign(digest) };
  return token as KeySigner;
}

function codeOf(token: KeySigner, toSign: readonly DigestToSign[]): Promise<string> {
  return signTransaction(token, transaction, toSign, ownArithmetic).then(
    () => 'signed',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );
}

describe('a signature from the token', () => {
  it.each([false, true])('leaves as a transaction when it verifies, whichever s it has', async (highS) => {
    expect(
      await codeOf(
        tokenThat((digest) => tokenSignature(digest, highS)),
        [item],
      ),
    ).toBe('signed');
  });

  it.each<[string, string, (digest: Uint8Array) => Uint8Array]>([
    ['signature-invalid', 'another key made it', (digest) => tokenSignature(digest, false, OTHER_SECRET)],
    [
      'signature-invalid',
      'it is over something else',
      () => tokenSignature(new Uint8Array(32).fill(1), false),
    ],
    ['signature-malformed', 'it is all zeros', () => new Uint8Array(64)],
    ['signature-malformed', 'it is short', (digest) => tokenSignature(digest, false).slice(1)],
  ])('stays in the process with %s when %s', async (code, _, sign) => {
    expect(await codeOf(tokenThat(sign), [item])).toBe(code);
  });

  it('is exactly one for an Ethereum transaction (transaction-kind)', async () => {
    const token = tokenThat((digest) => tokenSignature(digest, false));
    expect(await codeOf(token, [item, item])).toBe('transaction-kind');
    expect(await codeOf(token, [])).toBe('transaction-kind');
  });
});
