import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { Psbt, Transaction } from 'bitcoinjs-lib';
import fc from 'fast-check';
import { addressOfScript } from './address.js';
import { decodePsbt } from './decode.js';
import {
  type Draft,
  draftOf,
  inputOf,
  previousTransaction,
  psbtOf,
  testKey,
  unsignedTransaction,
} from './psbt.fixture.js';
import { sighashesAll } from './sighash.js';
import { displayHash, readTransaction } from './transaction.js';

const own = testKey('own');
const foreign = testKey('foreign');
const coin = { script: own.script, sats: 100_000n };
const p2wsh = `0020${'ab'.repeat(32)}`;

function honest(): Draft {
  return draftOf(
    [coin, { script: own.script, sats: 50_000n }],
    [
      { script: foreign.script, sats: 120_000n },
      { script: own.script, sats: 29_000n },
    ],
  );
}

describe('a PSBT that is as it should be', () => {
  it('decodes to what it does, with the fee from the previous transactions', () => {
    const draft = honest();
    const transaction = unsignedTransaction(draft);
    const decoded = decodePsbt(psbtOf(draft), 'regtest');
    expect(decoded).toMatchObject({
      kind: 'accepted',
      value: {
        family: 'bitcoin',
        version: 2,
        lockTime: 800_000,
        inputs: [
          { amountSats: 100_000n, script: own.script, sequence: 0xfffffffd },
          { amountSats: 50_000n, script: own.script, sequence: 0xfffffffd },
        ],
        outputs: [
          {
            amountSats: 120_000n,
            script: foreign.script,
            address: addressOfScript(foreign.script, 'regtest'),
          },
          { amountSats: 29_000n, script: own.script, address: addressOfScript(own.script, 'regtest') },
        ],
        feeSats: 1_000n,
        transactionId: transaction.getId(),
      },
    });
    if (decoded.kind !== 'accepted') return;
    expect(decoded.value.inputs.map((input) => input.outpoint)).toEqual(
      draft.inputs.map((input) => `${input.previous.getId()}:0`),
    );
  });

  it('may state SIGHASH_ALL, and may carry previous transactions with their witnesses', () => {
    const draft = honest();
    draft.inputs = [inputOf(previousTransaction([{ ...coin, sats: 150_000n }], 7, true), 0)];
    for (const input of draft.inputs) input.fields['03'] = '01000000';
    expect(decodePsbt(psbtOf(draft), 'regtest')).toMatchObject({
      kind: 'accepted',
      value: { feeSats: 1_000n },
    });
  });

  const amount = fc.bigInt(10_000n, 10_000_000n);
  const keyName = fc.constantFrom('a', 'b', 'c');
  const random = fc
    .record({
      coins: fc.array(fc.record({ key: keyName, sats: amount, outputs: fc.nat(3), witness: fc.boolean() }), {
        minLength: 1,
        maxLength: 6,
      }),
      scripts: fc.array(fc.constantFrom(foreign.script, p2wsh, own.script, `a914${'cd'.repeat(20)}87`), {
        minLength: 1,
        maxLength: 6,
      }),
      lockTime: fc.nat(499_999_999),
    })
    .map(({ coins, scripts, lockTime }) => {
      const inputs = coins.map(({ key, sats, outputs, witness }, salt) => {
        const others = Array.from({ length: outputs }, () => ({ script: p2wsh, sats: 1_000n }));
        const previous = previousTransaction(
          [...others, { script: testKey(key).script, sats }],
          salt,
          witness,
        );
        return inputOf(previous, outputs);
      });
      const total = coins.reduce((sum, { sats }) => sum + sats, 0n);
      const each = total / BigInt(scripts.length + 1);
      const outputs = scripts.map((script) => ({ script, sats: each, fields: {} }));
      return { version: 2, lockTime, inputs, outputs, globalFields: {} } satisfies Draft;
    });

  it('decodes the same as bitcoinjs-lib, when that library has built it', () => {
    fc.assert(
      fc.property(random, (draft) => {
        const psbt = new Psbt();
        psbt.setVersion(2).setLocktime(draft.lockTime);
        for (const { previous, index, sequence } of draft.inputs) {
          const spent = previous.outs[index];
          if (!spent) throw new Error('fixture without the output');
          psbt.addInput({
            hash: previous.getId(),
            index,
            sequence,
            nonWitnessUtxo: previous.toBuffer(),
            witnessUtxo: { script: spent.script, value: BigInt(spent.value) },
          });
        }
        for (const { script, sats } of draft.outputs) {
          psbt.addOutput({ script: hexToBytes(script), value: sats });
        }
        const base64 = psbt.toBase64();
        expect(base64).toBe(psbtOf(draft));

        const decoded = decodePsbt(base64, 'regtest');
        if (decoded.kind === 'refused') throw new Error(decoded.code);
        const intent = decoded.value;
        const transaction = unsignedTransaction(draft);
        expect(intent.transactionId).toBe(transaction.getId());
        for (const [index, input] of intent.inputs.entries()) {
          const scriptCode = hexToBytes(`76a914${input.script.slice(4)}88ac`);
          const expected = transaction.hashForWitnessV0(index, scriptCode, input.amountSats, 1);
          expect(bytesToHex(intent.sighashes[index] ?? new Uint8Array(0))).toBe(bytesToHex(expected));
          transaction.setWitness(index, [new Uint8Array(72), new Uint8Array(33)]);
        }
        expect(intent.signedVbytes).toBe(transaction.virtualSize());
        const spent = intent.inputs.reduce((sum, input) => sum + input.amountSats, 0n);
        const created = intent.outputs.reduce((sum, output) => sum + output.amountSats, 0n);
        expect(intent.feeSats).toBe(spent - created);
      }),
      { numRuns: 60 },
    );
  });

  it('decodes at the bounds of 500 inputs and 1,000 outputs, within the weight that nodes relay', () => {
    const coins = Array.from({ length: 500 }, () => coin);
    const draft = draftOf(
      coins,
      Array.from({ length: 1_000 }, () => ({ script: p2wsh, sats: 330n })),
    );
    const decoded = decodePsbt(psbtOf(draft), 'regtest');
    expect(decoded.kind).toBe('accepted');
    if (decoded.kind === 'accepted') expect(decoded.value.signedVbytes * 4).toBeLessThan(400_000);
  });
});

describe('BIP-143', () => {
  it('gives the digest of the native P2WPKH example', () => {
    const transaction = readTransaction(
      hexToBytes(
        '0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac11000000',
      ),
      'none',
    );
    const script = hexToBytes('00141d0f172a0ecb48aee1be1f2687d2963ae33f71a1');
    const [, digest] = sighashesAll(transaction, [
      { amount: 625_000_000n, script },
      { amount: 600_000_000n, script },
    ]);
    expect(bytesToHex(digest ?? new Uint8Array(0))).toBe(
      'c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670',
    );
  });

  it('gives the digest of the P2SH-P2WPKH example, whose script code is the same', () => {
    const transaction = readTransaction(
      hexToBytes(
        '0100000001db6b1b20aa0fd7b23880be2ecbd4a98130974cf4748fb66092ac4d3ceb1a54770100000000feffffff02b8b4eb0b000000001976a914a457b684d7f0d539a46a45bbc043f35b59d0d96388ac0008af2f000000001976a914fd270b1ee6abcaea97fea7ad0402e8bd8ad6d77c88ac92040000',
      ),
      'none',
    );
    const script = hexToBytes('001479091972186c449eb1ded22b78e40d009bdf0089');
    const [digest] = sighashesAll(transaction, [{ amount: 1_000_000_000n, script }]);
    expect(bytesToHex(digest ?? new Uint8Array(0))).toBe(
      '64f3b0f4dd2bb3aa1ce8566d220cc74dda9df97d8490cc81d89d735c92e59fb6',
    );
  });

  it('reads a transaction with witnesses and its id as bitcoinjs-lib does', () => {
    const hex =
      '01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000';
    const read = readTransaction(hexToBytes(hex), 'kept');
    expect(displayHash(read.hash)).toBe(Transaction.fromHex(hex).getId());
    expect(read.inputs[1]?.witness.map((item) => item.length)).toEqual([71, 33]);
    expect(readTransaction(hexToBytes(hex), 'skipped').hash).toEqual(read.hash);
  });
});
