import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import { Psbt } from 'bitcoinjs-lib';
import fc from 'fast-check';
import type { BitcoinIntent } from '../intent.js';
import { addressOfScript } from './address.js';
import { decodePsbt } from './decode.js';
import {
  type BitcoinMatchCode,
  type BitcoinOwn,
  type BitcoinPayment,
  matchBitcoin,
  matchBitcoinCancel,
} from './match.js';
import { type Coin, type Draft, draftOf, psbtBytes, psbtOf, testKey, toBase64 } from './psbt.fixture.js';

const first = testKey('own 1');
const second = testKey('own 2');
const own: BitcoinOwn = { ownScripts: new Set([first.script, second.script]), network: 'regtest' };
const alice = testKey('alice').script;
const bob = testKey('bob').script;
const mallory = testKey('mallory').script;

const addressOf = (script: string) => addressOfScript(script, 'regtest') ?? '';
const payment = (transferId: string, script: string, amount: bigint, feeCeiling = 500n): BitcoinPayment => ({
  transferId,
  destination: addressOf(script),
  amount,
  feeCeiling,
});

function decoded(draft: Draft): BitcoinIntent {
  const outcome = decodePsbt(psbtOf(draft), 'regtest');
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return outcome.value;
}

const coins: Coin[] = [
  { script: first.script, sats: 100_000n },
  { script: second.script, sats: 100_000n },
];
/** Two payments, change, fee 1,000. */
const honest = [
  { script: alice, sats: 50_000n },
  { script: first.script, sats: 79_000n },
  { script: bob, sats: 70_000n },
];
const asked = [payment('tr-1', alice, 50_000n), payment('tr-2', bob, 70_000n)];

const match = (outputs: readonly Coin[], payments: readonly BitcoinPayment[] = asked, from = coins) =>
  matchBitcoin(decoded(draftOf(from, outputs)), own, payments);

describe('a transaction that does what was asked', () => {
  it('matches each payment with its output and names the change', () => {
    expect(match(honest)).toEqual({
      kind: 'accepted',
      value: {
        payments: [
          { transferId: 'tr-1', outputIndex: 0 },
          { transferId: 'tr-2', outputIndex: 2 },
        ],
        changeOutputs: [1],
        changeSats: 79_000n,
        feeSats: 1_000n,
      },
    });
  });

  it('may have no change, and a fee of exactly the sum of the ceilings', () => {
    const outputs = [
      { script: alice, sats: 50_000n },
      { script: bob, sats: 149_000n },
    ];
    const payments = [payment('tr-1', alice, 50_000n, 999n), payment('tr-2', bob, 149_000n, 1n)];
    expect(match(outputs, payments)).toMatchObject({
      kind: 'accepted',
      value: { changeOutputs: [], changeSats: 0n, feeSats: 1_000n },
    });
  });

  it('pays two equal transfers with two outputs', () => {
    const outputs = [
      { script: alice, sats: 50_000n },
      { script: alice, sats: 50_000n },
      { script: first.script, sats: 99_000n },
    ];
    const payments = [payment('tr-1', alice, 50_000n), payment('tr-2', alice, 50_000n)];
    expect(match(outputs, payments)).toMatchObject({
      kind: 'accepted',
      value: {
        payments: [
          { transferId: 'tr-1', outputIndex: 0 },
          { transferId: 'tr-2', outputIndex: 1 },
        ],
      },
    });
  });
});

describe('a transaction that does anything else is refused', () => {
  const change = { script: first.script, sats: 79_000n };
  const cases: [BitcoinMatchCode, string, Coin[], BitcoinPayment[]?, Coin[]?][] = [
    ['payments-none', 'nothing was asked', honest, []],
    ['payment-duplicate', 'one transfer is asked twice', honest, [...asked, payment('tr-1', bob, 70_000n)]],
    [
      'destination-invalid',
      'a destination is of another network',
      honest,
      [{ ...payment('tr-1', alice, 50_000n), destination: addressOfScript(alice, 'mainnet') ?? '' }],
    ],
    [
      'destination-own',
      'a destination is the wallet itself',
      honest,
      [...asked, payment('tr-3', first.script, 79_000n)],
    ],
    [
      'input-foreign',
      'an input is not the own one',
      honest,
      asked,
      [coins[0] ?? change, { script: mallory, sats: 100_000n }],
    ],
    [
      'destination-mismatch',
      'the destination was swapped',
      [{ script: mallory, sats: 50_000n }, change, { script: bob, sats: 70_000n }],
    ],
    [
      'amount-mismatch',
      'an amount is one satoshi more',
      [{ script: alice, sats: 50_001n }, change, { script: bob, sats: 70_000n }],
    ],
    [
      'amount-mismatch',
      'an amount is one satoshi less',
      [{ script: alice, sats: 49_999n }, change, { script: bob, sats: 70_000n }],
    ],
    ['payment-missing', 'a payment is left out', [{ script: alice, sats: 50_000n }, change]],
    [
      'payment-missing',
      'one output is to pay two equal transfers',
      honest,
      [...asked, payment('tr-3', alice, 50_000n)],
    ],
    ['output-unexpected', 'there is one output more', [...honest, { script: mallory, sats: 294n }]],
    [
      'output-unexpected',
      'a payment is made twice',
      [...honest, { script: alice, sats: 50_000n }],
      asked,
      [...coins, { script: first.script, sats: 50_000n }],
    ],
    [
      'output-unexpected',
      'change goes to a foreign address',
      [
        { script: alice, sats: 50_000n },
        { script: mallory, sats: 79_000n },
        { script: bob, sats: 70_000n },
      ],
    ],
    [
      'change-multiple',
      'change is split',
      [
        { script: alice, sats: 50_000n },
        { script: first.script, sats: 39_000n },
        { script: second.script, sats: 40_000n },
        { script: bob, sats: 70_000n },
      ],
    ],
    [
      'fee-above-ceiling',
      'the fee is one satoshi above the sum of the ceilings',
      [
        { script: alice, sats: 50_000n },
        { ...change, sats: 78_999n },
        { script: bob, sats: 70_000n },
      ],
    ],
    [
      'fee-above-ceiling',
      'all change became fee',
      [
        { script: alice, sats: 50_000n },
        { script: bob, sats: 70_000n },
      ],
    ],
  ];

  it.each(cases)('%s when %s', (code, _, outputs, payments = asked, from = coins) => {
    expect(match(outputs, payments, from)).toMatchObject({ kind: 'refused', code });
  });

  it('input-foreign when the wallet has no scripts, or the intent no inputs', () => {
    const intent = decoded(draftOf(coins, honest));
    expect(matchBitcoin(intent, { ...own, ownScripts: new Set() }, asked)).toMatchObject({
      code: 'input-foreign',
    });
    expect(matchBitcoin({ ...intent, inputs: [] }, own, asked)).toMatchObject({ code: 'input-foreign' });
  });
});

describe('a cancel', () => {
  const cancel = (outputs: readonly Coin[], feeCeiling: bigint, from = coins) =>
    matchBitcoinCancel(decoded(draftOf(from, outputs)), own, feeCeiling);

  it('pays everything but the fee to one own output', () => {
    expect(cancel([{ script: second.script, sats: 198_000n }], 2_000n)).toEqual({
      kind: 'accepted',
      value: { payments: [], changeOutputs: [0], changeSats: 198_000n, feeSats: 2_000n },
    });
  });

  it.each([
    ['cancel-not-to-self', 'it pays somebody else', [{ script: mallory, sats: 198_000n }], 2_000n, coins],
    [
      'cancel-not-to-self',
      'it pays somebody else as well',
      [
        { script: first.script, sats: 197_000n },
        { script: mallory, sats: 1_000n },
      ],
      2_000n,
      coins,
    ],
    [
      'cancel-not-to-self',
      'it has two own outputs',
      [
        { script: first.script, sats: 97_000n },
        { script: second.script, sats: 101_000n },
      ],
      2_000n,
      coins,
    ],
    [
      'fee-above-ceiling',
      'its fee is one satoshi too high',
      [{ script: first.script, sats: 197_999n }],
      2_000n,
      coins,
    ],
    [
      'input-foreign',
      'an input is not the own one',
      [{ script: first.script, sats: 100_000n }],
      2_000n,
      [{ script: mallory, sats: 100_000n }],
    ],
  ])('is refused with %s when %s', (code, _, outputs, ceiling, from) => {
    expect(cancel(outputs, ceiling, from)).toMatchObject({ kind: 'refused', code });
  });
});

/** An independent judge: what leaves the wallet, read by bitcoinjs-lib, is exactly what was asked, and the fee is bounded. */
function effectIsAsked(base64: string, payments: readonly BitcoinPayment[], ceiling: bigint): boolean {
  const psbt = Psbt.fromBase64(base64);
  const outputs = psbt.txOutputs.map(({ script, value }) => `${bytesToHex(script)} ${value}`);
  const paid = payments.map(({ destination, amount }) => {
    const script = [alice, bob, mallory].find((candidate) => addressOf(candidate) === destination) ?? '';
    return `${script} ${amount}`;
  });
  const leaving = outputs.filter((output) => !own.ownScripts.has(output.split(' ')[0] ?? ''));
  const spent = psbt.data.inputs.reduce((sum, { witnessUtxo }) => sum + (witnessUtxo?.value ?? 0n), 0n);
  const created = psbt.txOutputs.reduce((sum, { value }) => sum + value, 0n);
  const foreignInput = psbt.data.inputs.some(
    ({ witnessUtxo }) => !own.ownScripts.has(bytesToHex(witnessUtxo?.script ?? new Uint8Array(0))),
  );
  return (
    !foreignInput &&
    [...leaving].sort().join() === [...paid].sort().join() &&
    outputs.length - leaving.length <= 1 &&
    spent - created >= 0n &&
    spent - created <= ceiling
  );
}

describe('whatever is done to the bytes', () => {
  it('no single changed bit makes another effect match', () => {
    const bytes = psbtBytes(draftOf(coins, honest));
    let accepted = 0;
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      const base64 = toBase64(flipped);
      const outcome = decodePsbt(base64, 'regtest');
      if (outcome.kind === 'refused') continue;
      accepted += 1;
      if (matchBitcoin(outcome.value, own, asked).kind === 'refused') continue;
      expect(effectIsAsked(base64, asked, 1_000n)).toBe(true);
    }
    // The property is not empty: bits of amounts, output scripts and the lock time do decode.
    expect(accepted).toBeGreaterThan(100);
  });

  it('a match is exactly a transaction that pays what was asked and nothing else', () => {
    const script = fc.constantFrom(alice, bob, mallory, first.script, second.script);
    const sats = fc.constantFrom(40_000n, 40_001n, 60_000n);
    const outputs = fc.array(fc.record({ script, sats }), { minLength: 1, maxLength: 4 });
    const payments = fc
      .array(fc.record({ script: fc.constantFrom(alice, bob), amount: sats }), { minLength: 1, maxLength: 3 })
      .map((list) => list.map((item, index) => payment(`tr-${index}`, item.script, item.amount, 30_000n)));
    fc.assert(
      fc.property(outputs, payments, fc.boolean(), (others, wanted, honestly) => {
        const paid = wanted.map(({ destination, amount }) => ({
          script: addressOf(alice) === destination ? alice : bob,
          sats: amount,
        }));
        const all = honestly ? [...paid, ...others.slice(0, 1)] : others;
        const from = [
          { script: first.script, sats: all.reduce((sum, output) => sum + output.sats, 0n) + 20_000n },
        ];
        const base64 = psbtOf(draftOf(from, all));
        const outcome = decodePsbt(base64, 'regtest');
        if (outcome.kind === 'refused') throw new Error(outcome.code);
        const matched = matchBitcoin(outcome.value, own, wanted);
        const ceiling = 30_000n * BigInt(wanted.length);
        expect(matched.kind === 'accepted').toBe(effectIsAsked(base64, wanted, ceiling));
        if (matched.kind === 'accepted') {
          const indexes = matched.value.payments.map(({ outputIndex }) => outputIndex);
          const used = [...indexes, ...matched.value.changeOutputs];
          expect(new Set(used).size).toBe(all.length);
          expect(used.length).toBe(all.length);
        }
      }),
      { numRuns: 500 },
    );
  });
});
