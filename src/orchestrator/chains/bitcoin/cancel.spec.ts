import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { outbiddingFee, planSelfPayment, type SelfPaymentTask } from './cancel.js';
import type { BitcoinPlan, PlanCoin } from './plan.js';
import { feeAt, transactionVbytes } from './weight.js';

const SCRIPT = `0014${'ab'.repeat(20)}`;

function coinOf(amountSats: bigint, index = 0): PlanCoin {
  const txid = index.toString(16).padStart(64, '0');
  return {
    outpoint: `${txid}:0`,
    txid,
    vout: 0,
    amountSats,
    script: SCRIPT,
    previousBytes: 200,
    confirmed: true,
  };
}

const task = (changes: Partial<SelfPaymentTask> = {}): SelfPaymentTask => ({
  coins: [coinOf(100_000n), coinOf(50_000n, 1)],
  changeScript: SCRIPT,
  minChangeSats: 294n,
  feeRate: 2_000n,
  ceilingFeeRate: 500_000n,
  lockTime: 0,
  maxFeeSats: 20_000n,
  ...changes,
});

function planned(of: SelfPaymentTask, least?: bigint): BitcoinPlan {
  const result = planSelfPayment(of, least);
  if (result.kind === 'wait') throw new Error(result.reason);
  return result.plan;
}

describe('a payment of the wallet to itself', () => {
  it('spends all of the coins into one own output, and says what it may cost at most', () => {
    const plan = planned(task());
    expect(plan.inputs.map(({ txid }) => txid)).toEqual(task().coins.map(({ txid }) => txid));
    expect(plan.outputs).toEqual([{ script: SCRIPT, amountSats: 150_000n - plan.feeSats, transferId: null }]);
    expect(plan.feeSats).toBe(feeAt(2_000n, plan.vbytes));
    expect(plan.feeBoundSats).toBe(20_000n);
  });

  it('pays the least fee that outbids others when that is more, and waits when it is above the bound', () => {
    expect(planned(task(), 19_999n).feeSats).toBe(19_999n);
    expect(planned(task(), 20_000n).feeSats).toBe(20_000n);
    expect(planSelfPayment(task(), 20_001n)).toEqual({ kind: 'wait', reason: 'fee-above-ceiling' });
    expect(planSelfPayment(task({ ceilingFeeRate: 1_999n }))).toEqual({
      kind: 'wait',
      reason: 'fee-above-ceiling',
    });
  });

  it('waits when nothing worth an output is left', () => {
    const fee = planned(task({ coins: [coinOf(10_000n)] })).feeSats;
    expect(planned(task({ coins: [coinOf(294n + fee)] })).outputs[0]?.amountSats).toBe(294n);
    expect(planSelfPayment(task({ coins: [coinOf(293n + fee)] }))).toEqual({
      kind: 'wait',
      reason: 'insufficient-funds',
    });
  });

  it('outbids every rival by fee and by rate, whichever of them nodes hold (BIP-125)', () => {
    const rival = fc.record({
      feeSats: fc.bigInt({ min: 1n, max: 1_000_000n }),
      vbytes: fc.bigInt({ min: 110n, max: 20_000n }),
    });
    fc.assert(
      fc.property(
        fc.array(rival, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 60 }),
        fc.bigInt({ min: 1n, max: 5_000n }),
        (fees, inputs, incremental) => {
          const plans = fees.map((fee) => ({ ...planned(task()), ...fee }));
          const vbytes = transactionVbytes(inputs, [SCRIPT]);
          const feeSats = outbiddingFee(plans, vbytes, incremental);
          for (const one of plans) {
            expect(feeSats).toBeGreaterThanOrEqual(one.feeSats + feeAt(incremental, vbytes));
            expect(feeSats * one.vbytes).toBeGreaterThan(one.feeSats * vbytes);
          }
        },
      ),
    );
  });
});
