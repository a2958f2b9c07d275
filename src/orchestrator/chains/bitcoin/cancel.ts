// Payments of a wallet to itself: one that outbids what was signed for some transfers, so that the chain takes it instead,
// and one that uses up coins over which a lost store may have signed. Pure.

import { greater } from './bigints.js';
import { type BitcoinPlan, type PlanCoin } from './plan.js';
import { feeAt, transactionVbytes } from './weight.js';

export interface SelfPaymentTask {
  /** All of them are spent. */
  readonly coins: readonly PlanCoin[];
  readonly changeScript: string;
  /** Below it an output is worth nothing. */
  readonly minChangeSats: bigint;
  readonly feeRate: bigint;
  readonly ceilingFeeRate: bigint;
  readonly lockTime: number;
  readonly maxFeeSats: bigint;
}

export type SelfPayment =
  | { readonly kind: 'planned'; readonly plan: BitcoinPlan }
  | { readonly kind: 'wait'; readonly reason: 'fee-above-ceiling' | 'insufficient-funds' };

/** Spends the coins into one output of the wallet, at `feeRate`, or at `leastFeeSats` when that is more. */
export function planSelfPayment(task: SelfPaymentTask, leastFeeSats = 0n): SelfPayment {
  const { coins, changeScript, feeRate, maxFeeSats } = task;
  const vbytes = transactionVbytes(coins.length, [changeScript]);
  const feeSats = greater(feeAt(feeRate, vbytes), leastFeeSats);
  const rate = (feeSats * 1000n + vbytes - 1n) / vbytes;
  if (feeSats > maxFeeSats || rate > task.ceilingFeeRate)
    return { kind: 'wait', reason: 'fee-above-ceiling' };
  const amountSats = coins.reduce((sum, coin) => sum + coin.amountSats, 0n) - feeSats;
  if (amountSats < task.minChangeSats) return { kind: 'wait', reason: 'insufficient-funds' };
  const inputs = coins.map(({ txid, vout, amountSats: sats, script }) => ({
    txid,
    vout,
    amountSats: sats,
    script,
  }));
  const plan: BitcoinPlan = {
    format: 1,
    lockTime: task.lockTime,
    inputs,
    outputs: [{ script: changeScript, amountSats, transferId: null }],
    feeSats,
    feeRate: rate,
    vbytes,
    feeBoundSats: maxFeeSats,
  };
  return { kind: 'planned', plan };
}

/**
 * The least fee that replaces every one of `rivals`, whichever of them nodes hold: above the dearest by what nodes demand
 * for relaying the new one, and at a higher rate than any (BIP-125 rules 3 and 4, and that rates are compared as well).
 */
export function outbiddingFee(
  rivals: readonly BitcoinPlan[],
  vbytes: bigint,
  incrementalFeeRate: bigint,
): bigint {
  return rivals.reduce((least, { feeSats, vbytes: size }) => {
    const rate = (feeSats * 1000n + size - 1n) / size + incrementalFeeRate;
    return greater(least, greater(feeSats + feeAt(incrementalFeeRate, vbytes), feeAt(rate, vbytes)));
  }, 0n);
}
