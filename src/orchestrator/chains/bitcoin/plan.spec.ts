import { describe, expect, it } from '@jest/globals';
import { Transaction } from 'bitcoinjs-lib';
import fc from 'fast-check';
import { addressOfScript, dustSats } from '../../../core/intents/bitcoin/address.js';
import { decodePsbt } from '../../../core/intents/bitcoin/decode.js';
import { matchBitcoin } from '../../../core/intents/bitcoin/match.js';
import {
  antiSnipingLockTime,
  type BitcoinPlan,
  maxFeeOf,
  type Payment,
  type PlanCoin,
  type PlanTask,
  parsePlan,
  planPayments,
  planText,
} from './plan.js';
import { psbtOf, transactionIdOf } from './psbt.js';
import { planReplacement } from './replacement.js';
import type { RandomBelow } from './selection-searches.js';
import { feeAt } from './weight.js';

const OWN = `0014${'11'.repeat(20)}`;
/** One destination of each kind: P2WPKH, P2WSH, P2PKH, P2SH. */
const SCRIPTS = [
  `0014${'22'.repeat(20)}`,
  `0020${'33'.repeat(32)}`,
  `76a914${'44'.repeat(20)}88ac`,
  `a914${'55'.repeat(20)}87`,
];
const GENEROUS = { absoluteMax: 10_000_000n, relativeMaxBasisPoints: 10_000n };

function seeded(seed: number): RandomBelow {
  let state = (seed % 2_147_483_646) + 1;
  return (bound) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % bound;
  };
}

function payment(index: number, amountSats: bigint, more: Partial<Payment> = {}): Payment {
  return {
    transferId: `tr-${index.toString(16).padStart(40, '0')}`,
    script: SCRIPTS[index % SCRIPTS.length] ?? OWN,
    amountSats,
    feeCeilingSats: 100_000n,
    feeCaps: GENEROUS,
    ...more,
  };
}

/** Coins with the transactions that made them, each in one of its own, at output 1. */
function funded(amounts: readonly bigint[], confirmed = true, salt = 0) {
  const previous = new Map<string, Uint8Array>();
  const coins = amounts.map((amountSats, index): PlanCoin => {
    const transaction = new Transaction();
    transaction.version = 2;
    transaction.addInput(Buffer.alloc(32, 1 + (index % 200)), index + salt * 10_000);
    transaction.addOutput(Buffer.from(SCRIPTS[2] ?? '', 'hex'), 5_000n);
    transaction.addOutput(Buffer.from(OWN, 'hex'), amountSats);
    const raw = transaction.toBuffer();
    const txid = transaction.getId();
    previous.set(txid, raw);
    return {
      outpoint: `${txid}:1`,
      txid,
      vout: 1,
      amountSats,
      script: OWN,
      previousBytes: raw.length,
      confirmed,
    };
  });
  return { coins, previous };
}

function taskOf(more: Partial<PlanTask> & Pick<PlanTask, 'payments' | 'coins'>): PlanTask {
  return {
    changeScript: OWN,
    minChangeSats: 600n,
    feeRate: 10_000n,
    longTermFeeRate: 10_000n,
    maxBatch: 100,
    maxInputs: 200,
    lockTime: 800_000,
    random: seeded(7),
    ...more,
  };
}

function planned(task: PlanTask): { plan: BitcoinPlan; payments: readonly Payment[] } {
  const result = planPayments(task);
  if (result.kind !== 'planned') throw new Error(`expected a plan, got ${result.reason}`);
  return result;
}

function expectSignable(
  plan: BitcoinPlan,
  payments: readonly Payment[],
  previous: ReadonlyMap<string, Uint8Array>,
): void {
  const decoded = decodePsbt(psbtOf(plan, previous), 'regtest');
  if (decoded.kind === 'refused') throw new Error(`${decoded.code} ${JSON.stringify(decoded.facts)}`);
  const intent = decoded.value;
  expect(intent.transactionId).toBe(transactionIdOf(plan));
  expect(BigInt(intent.signedVbytes)).toBe(plan.vbytes);
  expect(intent.feeSats).toBe(plan.feeSats);
  expect(intent.lockTime).toBe(plan.lockTime);
  const match = matchBitcoin(
    intent,
    { ownScripts: new Set([OWN]), network: 'regtest' },
    payments.map((one) => ({
      transferId: one.transferId,
      destination: addressOfScript(one.script, 'regtest') ?? '',
      amount: one.amountSats,
      feeCeiling: one.feeCeilingSats,
    })),
  );
  if (match.kind === 'refused') throw new Error(`${match.code} ${JSON.stringify(match.facts)}`);
  const moved = payments.reduce((sum, one) => sum + one.amountSats, 0n);
  for (const { feeCaps } of payments) {
    expect(intent.feeSats <= feeCaps.absoluteMax).toBe(true);
    expect(intent.feeSats * 10_000n <= moved * feeCaps.relativeMaxBasisPoints).toBe(true);
  }
}

describe('a plan', () => {
  it('pays many transfers in one transaction that decodes to exactly them, within every ceiling and cap', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            amountSats: fc.bigInt(1_000n, 2_000_000n),
            feeCeilingSats: fc.bigInt(0n, 30_000n),
            absoluteMax: fc.bigInt(100n, 50_000n),
            relativeMaxBasisPoints: fc.bigInt(1n, 3_000n),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        fc.array(fc.bigInt(300n, 1_500_000n), { minLength: 1, maxLength: 25 }),
        fc.bigInt(100n, 80_000n),
        fc.nat(),
        (wanted, amounts, feeRate, seed) => {
          const { coins, previous } = funded(amounts);
          const payments = wanted.map(({ amountSats, feeCeilingSats, ...feeCaps }, index) =>
            payment(index, amountSats, { feeCeilingSats, feeCaps }),
          );
          const result = planPayments(taskOf({ payments, coins, feeRate, random: seeded(seed) }));
          if (result.kind !== 'planned') return;
          expect(result.payments.length).toBeGreaterThan(0);
          expectSignable(result.plan, result.payments, previous);
          expect(result.plan.feeSats).toBeGreaterThanOrEqual(feeAt(feeRate, result.plan.vbytes));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('reads back from its text, and gives the same bytes again', () => {
    const { coins, previous } = funded([500_000n, 400_000n]);
    const { plan } = planned(taskOf({ payments: [payment(1, 600_000n)], coins }));
    const again = parsePlan(planText(plan));
    expect(again).toEqual(plan);
    expect(psbtOf(again, previous)).toBe(psbtOf(plan, previous));
  });

  it.each(['', '{}', '[]', 'null', '{"format":2}'])('refuses %j as plan-malformed', (text) => {
    expect(() => parsePlan(text)).toThrow(expect.objectContaining({ code: 'plan-malformed' }));
  });

  it('refuses to build bytes when a previous transaction is not stored', () => {
    const { coins } = funded([500_000n]);
    const { plan } = planned(taskOf({ payments: [payment(1, 100_000n)], coins }));
    expect(() => psbtOf(plan, new Map())).toThrow(
      expect.objectContaining({ code: 'previous-transaction-missing' }),
    );
  });

  it('gives what would be dust to the fee, within the ceiling', () => {
    const { coins } = funded([100_000n + 1_420n]);
    const { plan } = planned(taskOf({ payments: [payment(0, 100_000n)], coins }));
    expect(plan.outputs).toHaveLength(1);
    expect(plan.feeSats).toBe(1_420n);
  });

  it('never makes change below dust', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 3_000n), fc.nat(), (extra, seed) => {
        const { coins } = funded([101_100n + extra]);
        const task = taskOf({ payments: [payment(0, 100_000n)], coins, random: seeded(seed) });
        const result = planPayments({ ...task, minChangeSats: dustSats(OWN) });
        if (result.kind !== 'planned') return;
        for (const output of result.plan.outputs) {
          expect(output.amountSats).toBeGreaterThanOrEqual(dustSats(output.script));
        }
      }),
    );
  });

  it('leaves out the newest payments that the money does not suffice for, and takes later ones that fit', () => {
    const { coins } = funded([1_000_000n]);
    const payments = [payment(0, 400_000n), payment(1, 700_000n), payment(2, 300_000n)];
    expect(planned(taskOf({ payments, coins })).payments).toEqual([payments[0], payments[2]]);
  });

  it('leaves out the payment whose policy caps the fee too low, and pays the others', () => {
    const { coins } = funded([1_000_000n]);
    const strict = payment(1, 100_000n, { feeCaps: { absoluteMax: 10n, relativeMaxBasisPoints: 10_000n } });
    const narrow = payment(2, 100_000n, { feeCaps: { absoluteMax: 10_000n, relativeMaxBasisPoints: 1n } });
    const result = planned(taskOf({ payments: [strict, payment(0, 200_000n), narrow], coins }));
    expect(result.payments.map((one) => one.transferId)).toEqual([payment(0, 0n).transferId]);
  });

  it('waits with fee-above-ceiling when no payment allows the fee, by one satoshi', () => {
    const { coins } = funded([100_000n + 1_100n]);
    const fee = feeAt(10_000n, 110n);
    const withCeiling = (feeCeilingSats: bigint) =>
      planPayments(taskOf({ payments: [payment(0, 100_000n, { feeCeilingSats })], coins }));
    expect(withCeiling(fee)).toMatchObject({ kind: 'planned', plan: { feeSats: fee } });
    expect(withCeiling(fee - 1n)).toEqual({ kind: 'wait', reason: 'fee-above-ceiling' });
  });

  it('pays another transfer when the one with the most headroom needs too many inputs', () => {
    const { coins } = funded(Array.from({ length: 100 }, () => 20_000n));
    const whale = payment(0, 1_500_000n, { feeCeilingSats: 9_000n });
    const small = payment(1, 5_000n, { feeCeilingSats: 3_000n });
    expect(planned(taskOf({ payments: [whale, small], coins })).payments).toEqual([small]);
  });

  it('waits with insufficient-funds without coins, and with nothing-to-pay without payments', () => {
    const { coins } = funded([1_000_000n]);
    expect(planPayments(taskOf({ payments: [payment(0, 1_000n)], coins: [] }))).toEqual({
      kind: 'wait',
      reason: 'insufficient-funds',
    });
    expect(planPayments(taskOf({ payments: [], coins }))).toEqual({ kind: 'wait', reason: 'nothing-to-pay' });
  });

  it('spends unconfirmed change only when confirmed coins do not suffice', () => {
    const old = funded([150_000n]);
    const fresh = funded([900_000n], false, 1);
    const coins = [...fresh.coins, ...old.coins];
    const little = planned(taskOf({ payments: [payment(0, 100_000n)], coins }));
    const much = planned(taskOf({ payments: [payment(0, 500_000n)], coins }));
    expect(little.plan.inputs.map((input) => input.amountSats)).toEqual([150_000n]);
    expect(much.plan.inputs.map((input) => input.amountSats)).toContain(900_000n);
  });

  it('stays below the size of a PSBT that the signer takes, when coins come from huge transactions', () => {
    const { coins } = funded([...Array.from({ length: 60 }, () => 200_000n), 5_000_000n]);
    const heavy = coins.map((coin, index) => (index < 60 ? { ...coin, previousBytes: 100_000 } : coin));
    const { plan } = planned(taskOf({ payments: [payment(0, 5_500_000n)], coins: heavy }));
    expect(plan.inputs.length).toBeLessThan(36);
  });

  it('takes no more transfers than the batch may hold', () => {
    const { coins } = funded([10_000_000n]);
    const payments = Array.from({ length: 20 }, (_, index) => payment(index, 10_000n));
    expect(planned(taskOf({ payments, coins, maxBatch: 7 })).payments).toEqual(payments.slice(0, 7));
  });

  it('puts change at any place among the outputs', () => {
    const { coins } = funded([10_000_000n]);
    const places = new Set<number>();
    for (let seed = 1; seed < 60; seed += 1) {
      const payments = [payment(0, 10_000n), payment(1, 20_000n)];
      const { plan } = planned(taskOf({ payments, coins, random: seeded(seed * 7_919) }));
      places.add(plan.outputs.findIndex((output) => output.transferId === null));
    }
    expect([...places].sort()).toEqual([0, 1, 2]);
  });
});

describe('the fee that a batch may cost', () => {
  it('is the sum of the ceilings, or the strictest cap of any policy', () => {
    const two = [
      payment(0, 100_000n, { feeCeilingSats: 30n }),
      payment(1, 100_000n, { feeCeilingSats: 12n }),
    ];
    expect(maxFeeOf(two)).toBe(42n);
    const capped = payment(2, 200_000n, { feeCaps: { absoluteMax: 5_000n, relativeMaxBasisPoints: 10n } });
    expect(maxFeeOf([...two, { ...capped, feeCeilingSats: 100_000n }])).toBe(400n);
  });
});

describe('a replacement', () => {
  const { coins, previous } = funded([300_000n, 400_000n]);
  const payments = [payment(0, 250_000n), payment(1, 300_000n)];
  const first = planned(taskOf({ payments, coins, feeRate: 2_000n }));
  const kept = coins.filter((coin) => first.plan.inputs.some((input) => input.txid === coin.txid));
  const replace = (more: Partial<Parameters<typeof planReplacement>[0]> = {}, paid = payments) =>
    planReplacement(
      {
        ...taskOf({ payments: paid, coins: [], feeRate: 2_000n }),
        replaced: first.plan,
        kept,
        incrementalFeeRate: 1_000n,
        ceilingFeeRate: 100_000n,
        ...more,
      },
      paid,
    );

  it('keeps all inputs and payments, and pays at least what nodes demand above the replaced fee', () => {
    const result = replace();
    if (result.kind !== 'planned') throw new Error(result.reason);
    expectSignable(result.plan, payments, previous);
    expect(result.plan.inputs.map((input) => input.txid).sort()).toEqual(
      first.plan.inputs.map((input) => input.txid).sort(),
    );
    expect(result.plan.feeSats).toBeGreaterThanOrEqual(
      first.plan.feeSats + feeAt(1_000n, result.plan.vbytes),
    );
  });

  it('adds confirmed coins, never unconfirmed ones, when change cannot bear the rise', () => {
    const more = funded([600_000n], true, 2);
    const unconfirmed = funded([700_000n], false, 3);
    const dear = payments.map((one) => ({ ...one, feeCeilingSats: 1_000_000n }));
    const task = { feeRate: 900_000n, ceilingFeeRate: 2_000_000n, coins: unconfirmed.coins };
    expect(replace(task, dear)).toEqual({ kind: 'wait', reason: 'insufficient-funds' });
    const result = replace({ ...task, coins: [...unconfirmed.coins, ...more.coins] }, dear);
    if (result.kind !== 'planned') throw new Error(result.reason);
    const inputs = result.plan.inputs.map((input) => input.txid);
    expect(inputs).toEqual(expect.arrayContaining(kept.map((coin) => coin.txid)));
    expect(inputs).not.toContain(unconfirmed.coins[0]?.txid);
  });

  it('waits with fee-above-ceiling when the rate that nodes demand is above the ceiling rate', () => {
    expect(replace({ ceilingFeeRate: 2_500n })).toEqual({ kind: 'wait', reason: 'fee-above-ceiling' });
  });

  it('waits with fee-above-ceiling when the ceilings of the transfers do not allow it', () => {
    const narrow = payments.map((one) => ({ ...one, feeCeilingSats: first.plan.feeSats / 2n }));
    expect(replace({}, narrow)).toEqual({ kind: 'wait', reason: 'fee-above-ceiling' });
  });

  it('pays enough more than the replaced one whatever the rates are', () => {
    fc.assert(
      fc.property(
        fc.bigInt(100n, 50_000n),
        fc.bigInt(100n, 50_000n),
        fc.bigInt(100n, 3_000n),
        (a, b, step) => {
          const start = planPayments(taskOf({ payments, coins, feeRate: a }));
          if (start.kind !== 'planned' || start.payments.length < 2) return;
          const inputs = new Set(start.plan.inputs.map((input) => input.txid));
          const result = replace({
            replaced: start.plan,
            kept: coins.filter((coin) => inputs.has(coin.txid)),
            coins: coins.filter((coin) => !inputs.has(coin.txid)),
            feeRate: b,
            incrementalFeeRate: step,
          });
          if (result.kind !== 'planned') return;
          expect(result.plan.feeSats - start.plan.feeSats).toBeGreaterThanOrEqual(
            feeAt(step, result.plan.vbytes),
          );
          expect(result.plan.feeSats * start.plan.vbytes > start.plan.feeSats * result.plan.vbytes).toBe(
            true,
          );
          expectSignable(result.plan, payments, previous);
        },
      ),
    );
  });
});

describe('the lock time against fee sniping', () => {
  it('is the height of the tip, and in about one of ten cases up to 99 blocks earlier', () => {
    const random = seeded(3);
    const times = Array.from({ length: 2_000 }, () => antiSnipingLockTime(850_000, 60_000, random));
    const earlier = times.filter((time) => time !== 850_000);
    expect(earlier.length).toBeGreaterThan(120);
    expect(earlier.length).toBeLessThan(300);
    expect(Math.min(...times)).toBeGreaterThan(850_000 - 100);
    expect(Math.max(...times)).toBe(850_000);
  });

  it('is never negative, and zero while the tip is old', () => {
    for (let seed = 1; seed < 200; seed += 1) {
      expect(antiSnipingLockTime(3, 0, seeded(seed))).toBeGreaterThanOrEqual(0);
    }
    expect(antiSnipingLockTime(850_000, 8 * 3_600_000 + 1, seeded(1))).toBe(0);
  });
});
