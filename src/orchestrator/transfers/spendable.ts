// Can what was signed for a transfer still enter the chain? Answered from this side's own books, for people to look at: a
// transfer that is shown as expired, cancelled or failed may be paid all the same by what was signed before. Pure. It is NOT
// the signer's word: a signature that never reached these books is not known here.

import type { TransactionState } from './transfer-states.js';

export interface SpendableView {
  /** `maybe`: the signer was asked, and no answer is recorded. */
  readonly is: 'no' | 'maybe' | 'yes';
  /** Ids of the signed transactions that could be mined still; empty unless `yes`. */
  readonly transactionIds: readonly string[];
}

interface Known {
  readonly state: TransactionState;
  /** Null before it is signed. */
  readonly transactionId: string | null;
}

const NOT_SPENDABLE: SpendableView = { is: 'no', transactionIds: [] };

/** From all transactions that were ever planned for one transfer. */
export function spendableOf(transactions: readonly Known[]): SpendableView {
  // All that the signer ever signs for a transfer conflict pairwise: once one is buried, none of the others can be mined.
  if (transactions.some(({ state }) => state === 'final' || state === 'failed')) return NOT_SPENDABLE;
  const transactionIds = transactions.flatMap(({ state, transactionId }) =>
    transactionId === null || state === 'conflicted' || state === 'dead' ? [] : [transactionId],
  );
  if (transactionIds.length > 0) return { is: 'yes', transactionIds };
  const asked = transactions.some(({ state }) => state === 'signing' || state === 'indeterminate');
  return asked ? { is: 'maybe', transactionIds: [] } : NOT_SPENDABLE;
}
