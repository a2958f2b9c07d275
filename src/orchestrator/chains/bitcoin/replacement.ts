// A plan that replaces an earlier one with a higher fee (BIP-125): the same payments, all the same inputs, so that the
// two conflict for good, and further confirmed coins only when change cannot bear the rise. Pure.

import { greater } from './bigints.js';
import {
  type BitcoinPlan,
  type Payment,
  type PlanCoin,
  type PlanResult,
  type PlanTask,
  planExactly,
} from './plan.js';
import { feeAt } from './weight.js';

export interface ReplacementTask extends PlanTask {
  /** The plan that is signed and waits. */
  readonly replaced: BitcoinPlan;
  /** Its coins, in any order. */
  readonly kept: readonly PlanCoin[];
  /** What nodes demand above the replaced fee for each 1,000 vbytes of the replacement (BIP-125 rule 4). */
  readonly incrementalFeeRate: bigint;
  readonly ceilingFeeRate: bigint;
}

/** Rounds in which the fee may turn out too small, because without change a transaction is smaller. */
const MAX_ROUNDS = 4;

/**
 * Plans the replacement at `feeRate`, or at the least rate that nodes take when that is higher. Answers
 * `fee-above-ceiling` when that does not stay within the ceilings and caps of the payments, or above the ceiling rate.
 */
export function planReplacement(task: ReplacementTask, payments: readonly Payment[]): PlanResult {
  const { replaced } = task;
  // Nodes compare rates as well as fees; both must rise.
  const replacedRate = (replaced.feeSats * 1000n + replaced.vbytes - 1n) / replaced.vbytes;
  let feeRate = greater(task.feeRate, replacedRate + task.incrementalFeeRate);
  // BIP-125 rule 2: a replacement adds no unconfirmed input.
  const confirmed = task.coins.filter((coin) => coin.confirmed);
  for (let round = 0; round < MAX_ROUNDS && feeRate <= task.ceilingFeeRate; round += 1) {
    const result = planExactly({ ...task, coins: confirmed, feeRate }, payments, task.kept);
    if (result.kind !== 'planned') return result;
    const demanded = replaced.feeSats + feeAt(task.incrementalFeeRate, result.plan.vbytes);
    if (result.plan.feeSats >= demanded) return result;
    feeRate = greater(feeRate + 1n, (demanded * 1000n + result.plan.vbytes - 1n) / result.plan.vbytes);
  }
  return { kind: 'wait', reason: 'fee-above-ceiling' };
}
