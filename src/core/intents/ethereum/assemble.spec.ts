import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { Transaction, Wallet } from 'ethers';
import fc from 'fast-check';
import { normaliseLowS, recoveryIdOf } from '../ecdsa.js';
import type { EthereumIntent } from '../intent.js';
import { assembleEthereum, verifySignedEthereum } from './assemble.js';
import { decodeEip1559 } from './decode.js';
import {
  ALICE,
  ERC20,
  NATIVE,
  OWN_ADDRESS,
  PUBLIC_KEY,
  rawFields,
  rawHex,
  rlpNumber,
  SECRET,
  signingHash,
  type TransactionFields,
  tokenSignature,
  unsignedHex,
} from './transaction.fixture.js';

function prepared(fields: TransactionFields, highS = false) {
  const hex = unsignedHex(fields);
  const decoded = decodeEip1559(hex);
  if (decoded.kind === 'refused') throw new Error(decoded.code);
  const intent: EthereumIntent = decoded.value;
  const rs64 = normaliseLowS(tokenSignature(intent.signingHash, highS));
  return { hex, intent, rs64, yParity: recoveryIdOf(PUBLIC_KEY, intent.signingHash, rs64) };
}

const number = (bytes: Uint8Array) => rlpNumber(BigInt(`0x${bytesToHex(bytes)}`));

describe('a signed Ethereum transaction', () => {
  it('is byte for byte what ethers makes with the same key, whichever s the token gave', async () => {
    for (const fields of [NATIVE, ERC20]) {
      for (const highS of [false, true]) {
        const { hex, intent, rs64, yParity } = prepared(fields, highS);
        const signed = assembleEthereum(hex, rs64, yParity);
        const wallet = new Wallet(`0x${bytesToHex(SECRET)}`);
        expect(`0x${signed.hex}`).toBe(await wallet.signTransaction(Transaction.from(`0x${hex}`)));
        const read = Transaction.from(`0x${signed.hex}`);
        expect(read.from).toBe(OWN_ADDRESS);
        expect(signed.transactionId).toBe(read.hash);
        expect(verifySignedEthereum(signed.hex, intent, OWN_ADDRESS)).toEqual({
          kind: 'accepted',
          value: { transactionId: read.hash, yParity, rs64 },
        });
      }
    }
  });

  it('verifies for any nonce, so also when r or s are shorter than 32 bytes', () => {
    let short = 0;
    for (let nonce = 0n; nonce < 300n; nonce += 1n) {
      const { hex, intent, rs64, yParity } = prepared({ ...NATIVE, nonce });
      if (rs64[0] === 0 || rs64[32] === 0) short += 1;
      const signed = assembleEthereum(hex, rs64, yParity);
      expect(Transaction.from(`0x${signed.hex}`).from).toBe(OWN_ADDRESS);
      expect(verifySignedEthereum(signed.hex, intent, OWN_ADDRESS).kind).toBe('accepted');
    }
    expect(short).toBeGreaterThan(0);
  });
});

describe('assembling is refused', () => {
  const { hex, rs64, intent } = prepared(NATIVE);

  it.each([
    ['unsigned-refused', 'the bytes are not a transaction', '02', rs64],
    [
      'unsigned-refused',
      'the transaction is signed already',
      rawHex([...rawFields(NATIVE), '0x', '0x01', '0x01']),
      rs64,
    ],
    ['unsigned-refused', 'a field is missing', rawHex(rawFields(NATIVE).slice(0, 8)), rs64],
    ['signature-malformed', 's is high', hex, tokenSignature(intent.signingHash, true)],
    ['signature-malformed', 'the signature is all zeros', hex, new Uint8Array(64)],
    ['signature-malformed', 'the signature is short', hex, rs64.slice(1)],
  ])('%s when %s', (code, _, unsigned, signature) => {
    expect(() => assembleEthereum(unsigned, signature, 0)).toThrow(
      expect.objectContaining({ name: 'Fault', code }),
    );
  });
});

describe('a signed transaction from elsewhere is refused', () => {
  const { hex, intent, rs64, yParity } = prepared(NATIVE);
  const r = number(rs64.slice(0, 32));
  const s = number(rs64.slice(32));
  const parity = rlpNumber(BigInt(yParity));
  const signedWith = (...signature: string[]) => rawHex([...rawFields(NATIVE), ...signature]);
  const high = tokenSignature(signingHash(hex), true);
  const foreign = normaliseLowS(tokenSignature(intent.signingHash, false, new Uint8Array(32).fill(3)));

  it.each([
    ['signed-malformed', 'it is unsigned', hex],
    ['signed-malformed', 'it is empty', ''],
    ['signed-malformed', 'it is of type 4', signedWith(parity, r, s).replace(/^02/, '04')],
    ['signed-malformed', 'a field is missing', signedWith(parity, r)],
    ['signed-malformed', 'a field is added', signedWith(parity, r, s, '0x')],
    ['signed-malformed', 'the parity is 2', signedWith('0x02', r, s)],
    ['signed-malformed', 'the parity is a zero byte', signedWith('0x00', r, s)],
    ['signed-malformed', 'the parity is 27', signedWith('0x1b', r, s)],
    ['signed-malformed', 'r has a leading zero', signedWith(parity, `0x00${r.slice(2)}`, s)],
    ['signed-malformed', 's has a leading zero', signedWith(parity, r, `0x00${s.slice(2)}`)],
    ['signed-malformed', 'r is zero', signedWith(parity, '0x', s)],
    ['signed-malformed', 's is zero', signedWith(parity, r, '0x')],
    ['signed-malformed', 's is high', signedWith(rlpNumber(BigInt(1 - yParity)), r, number(high.slice(32)))],
    ['signed-malformed', 'r is a list', rawHex([...rawFields(NATIVE), parity, [], s])],
    [
      'transaction-mismatch',
      'it pays one wei more',
      rawHex([...rawFields({ ...NATIVE, value: NATIVE.value + 1n }), parity, r, s]),
    ],
    [
      'transaction-mismatch',
      'it has an access list',
      rawHex([...rawFields(NATIVE).slice(0, 8), [[ALICE.toLowerCase(), []]], parity, r, s]),
    ],
    ['signature-invalid', 'the parity is the other one', signedWith(rlpNumber(BigInt(1 - yParity)), r, s)],
    [
      'signature-invalid',
      'another key has signed',
      signedWith(parity, number(foreign.slice(0, 32)), number(foreign.slice(32))),
    ],
  ])('%s when %s', (code, _, signed) => {
    expect(verifySignedEthereum(signed, intent, OWN_ADDRESS)).toMatchObject({ kind: 'refused', code });
  });

  it('whichever single bit is changed', () => {
    const bytes = hexToBytes(signedWith(parity, r, s));
    expect(verifySignedEthereum(bytesToHex(bytes), intent, OWN_ADDRESS).kind).toBe('accepted');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verifySignedEthereum(bytesToHex(flipped), intent, OWN_ADDRESS).kind).toBe('refused');
    }
  });

  it('without a throw, whatever the text is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.uint8Array({ maxLength: 300 }), (text, bytes) => {
        expect(verifySignedEthereum(text, intent, OWN_ADDRESS).kind).toBe('refused');
        expect(verifySignedEthereum(`02${bytesToHex(bytes)}`, intent, OWN_ADDRESS).kind).toBe('refused');
      }),
    );
  });
});
