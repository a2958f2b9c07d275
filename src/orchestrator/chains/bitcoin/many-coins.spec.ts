// Very many coins: strangers can pay as many small ones into a wallet as they like.

import { describe, expect, it } from '@jest/globals';
import { type Payment, type PlanCoin, planPayments } from './plan.js';

const COINS = 100_000;
const PAYMENTS = 100;
const OWN = `0014${'11'.repeat(20)}`;
const LONGEST_MS = 2_500;

function coin(index: number): PlanCoin {
  const txid = index.toString(16).padStart(64, '0');
  return {
    outpoint: `${txid}:0`,
    txid,
    vout: 0,
    amountSats: index < 10 ? 100_000_000n : 2_000n + BigInt(index % 977),
    script: OWN,
    previousBytes: 200,
    confirmed: true,
  };
}

function payment(index: number): Payment {
  return {
    transferId: `tr-${index.toString(16).padStart(40, '0')}`,
    script: `0014${'22'.repeat(20)}`,
    amountSats: 1_000_000n,
    feeCeilingSats: 100_000n,
    feeCaps: { absoluteMax: 10_000_000n, relativeMaxBasisPoints: 10_000n },
  };
}

describe('a wallet with very many small coins', () => {
  it('is planned with in a time that nobody notices: the database is held meanwhile', () => {
    const coins = Array.from({ length: COINS }, (_, index) => coin(index));
    const began = performance.now();
    const result = planPayments({
      payments: Array.from({ length: PAYMENTS }, (_, index) => payment(index)),
      coins,
      changeScript: OWN,
      minChangeSats: 700n,
      feeRate: 5_000n,
      longTermFeeRate: 10_000n,
      maxBatch: 100,
      maxInputs: 200,
      lockTime: 0,
      random: (bound) => bound - 1,
    });
    expect(result.kind).toBe('planned');
    const took = performance.now() - began;
    expect(took).toBeLessThan(LONGEST_MS);
  });
});
